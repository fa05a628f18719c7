/* A program in the ABI of Microsoft's compiler and without a C library: adieu.lib and the calling
 * conventions are what is tried. Its store is the folder store_msvc. */
#include <adieu.h>

__declspec(dllimport) void __stdcall ExitProcess(unsigned code);
__declspec(dllimport) void *__stdcall GetStdHandle(unsigned long which);
__declspec(dllimport) int __stdcall WriteFile(void *file, const void *bytes, unsigned long count,
                                              unsigned long *written, void *overlapped);
__declspec(dllimport) void __stdcall Sleep(unsigned long ms);

static volatile long done;
static volatile int32_t ended_with;

/* What compilers call by themselves. */
void *memset(void *to, int byte, size_t count) {
  unsigned char *bytes = to;
  while (count-- > 0)
    *bytes++ = (unsigned char)byte;
  return to;
}

static void say(const char *text) {
  unsigned long count = 0, written;
  while (text[count] != 0)
    count++;
  WriteFile(GetStdHandle((unsigned long)-11), text, count, &written, 0);
}

static void on_success(void *user_data) { *(int32_t *)user_data = ADIEU_OK, done = 1; }

static void on_error(void *user_data, int32_t code, const char *desc) {
  say(desc);
  *(int32_t *)user_data = code;
  done = 1;
}

void entry(void) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  adieu_client *client;
  char why[256];

  options.store_path = "store_msvc";
  options.user_id = "alice";
  if (adieu_client_open(&options, &client, why, sizeof why) != ADIEU_OK) {
    say(why);
    ExitProcess(2);
  }
  if (adieu_delete_conversation(client, "c2c_bob", on_success, on_error, (void *)&ended_with) != 0)
    ExitProcess(3);
  while (!done)
    Sleep(1);
  if (ended_with != ADIEU_OK || adieu_client_close(client) != ADIEU_OK)
    ExitProcess(4);
  say("deleted for good\r\n");
  ExitProcess(0);
}
