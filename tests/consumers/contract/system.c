/* What differs between systems. */
#ifdef _WIN32
#include <windows.h>
#else
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#endif

#include "contract.h"

#ifdef _WIN32

void make_folder(const char *path) {
  WCHAR wide[1024];

  if (MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 1024) > 0)
    CreateDirectoryW(wide, NULL);
}

void pause_ms(unsigned ms) { Sleep(ms); }

void kill_this_process(void) { TerminateProcess(GetCurrentProcess(), 9); }

uintptr_t this_thread(void) { return GetCurrentThreadId(); }

#else

void make_folder(const char *path) { mkdir(path, 0700); }

void pause_ms(unsigned ms) {
  struct timespec pause;

  pause.tv_sec = ms / 1000;
  pause.tv_nsec = (long)(ms % 1000) * 1000000;
  nanosleep(&pause, NULL);
}

void kill_this_process(void) { raise(SIGKILL); }

uintptr_t this_thread(void) { return (uintptr_t)pthread_self(); }

#endif
