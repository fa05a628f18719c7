/* Only for tests under wine 8, which lacks this DLL; every Windows since 10 has it. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID bytes, ULONG count);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
  while (count > 0) {
    ULONG some = count > 0x10000000 ? 0x10000000 : (ULONG)count;
    if (!SystemFunction036(bytes, some))
      return FALSE;
    bytes += some;
    count -= some;
  }
  return TRUE;
}
