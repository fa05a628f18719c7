/* A plug-in host that frees the DLL with a client open and calls under way. */
#include <adieu.h>
#include <stdio.h>
#include <windows.h>

#define LOAD(name) __typeof__(name) *name##_ = (__typeof__(name) *)(void *)GetProcAddress(library, #name)
#define CALLS 500

static volatile LONG ended;

static void on_success(void *user_data) { (void)user_data, InterlockedIncrement(&ended); }

static void on_error(void *user_data, int32_t code, const char *desc) {
  (void)user_data, (void)code, (void)desc, InterlockedIncrement(&ended);
}

/* The store's path in UTF-8: what main gets is in the system's code page. */
static void last_argument(char *utf8, int size) {
  const WCHAR *line = GetCommandLineW(), *end = line + lstrlenW(line), *begin;

  while (end > line && (end[-1] == L'"' || end[-1] == L' '))
    end--;
  begin = end;
  while (begin > line && begin[-1] != L'"')
    begin--;
  utf8[WideCharToMultiByte(CP_UTF8, 0, begin, (int)(end - begin), utf8, size - 1, NULL, NULL)] = 0;
}

int main(void) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  HMODULE library = LoadLibraryA("adieu.dll");
  adieu_client *client;
  char store[1024], why[256];
  int turn;

  if (library == NULL)
    return printf("no adieu.dll: %lu\n", GetLastError()), 1;
  LOAD(adieu_client_open);
  LOAD(adieu_client_close);
  LOAD(adieu_delete_conversation);
  last_argument(store, sizeof store);
  options.store_path = store;
  options.user_id = "alice";
  if (adieu_client_open_(&options, &client, why, sizeof why) != ADIEU_OK)
    return printf("%s\n", why), 1;
  for (turn = 0; turn < CALLS; turn++) {
    char id[32];

    sprintf(id, "c2c_user%d", turn);
    if (adieu_delete_conversation_(client, id, on_success, on_error, NULL) != ADIEU_OK)
      return printf("it does not accept\n"), 1;
  }
  FreeLibrary(library);
  FreeLibrary(library);
  if (GetModuleHandleA("adieu.dll") == NULL)
    return printf("unloaded, with its threads at work\n"), 1;
  for (turn = 0; turn < 3000 && ended < CALLS; turn++)
    Sleep(10);
  if (ended != CALLS || adieu_client_close_(client) != ADIEU_OK)
    return printf("%ld of %d calls have ended\n", (long)ended, CALLS), 1;
  puts("stays loaded");
  return 0;
}
