/* The header and the library that were found are of one ABI, and a call comes back. */
#include <adieu.h>
#include <stdio.h>

int main(void) {
  printf("libadieu %s\n", adieu_version());
  if (adieu_abi_version() != ((uint32_t)ADIEU_ABI_MAJOR << 16 | ADIEU_ABI_MINOR))
    return 1;
  return adieu_client_close(NULL) == ADIEU_ERR_INVALID_HANDLE ? 0 : 1;
}
