/* Through adieu.h: the floor. */
#define _POSIX_C_SOURCE 200809L
#include <adieu.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 20000 };
static atomic_int told;
static char ids[MOST][16];

static void on_success(void *data) { (void)data, atomic_fetch_add(&told, 1); }
static void on_error(void *data, int32_t code, const char *desc) {
  (void)code, (void)desc;
  on_success(data);
}

static double now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(void) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  adieu_client *client;
  char kind[16], why[256] = "";
  int calls, i;
  options.store_path = getenv("ADIEU_STORE");
  options.user_id = getenv("ADIEU_USER");
  options.server_url = getenv("ADIEU_SERVER_URL");
  options.user_sig = getenv("ADIEU_USER_SIG");
  options.sdk_app_id = strtoull(getenv("ADIEU_APP_ID"), NULL, 10);
  options.live_sync = 1; /* as the vendor's classes do */
  if (adieu_client_open(&options, &client, why, sizeof why) != ADIEU_OK)
    return fprintf(stderr, "%s\n", why), 1;
  while (scanf("%15s %d", kind, &calls) == 2 && calls <= MOST) {
    const int pinning = strcmp(kind, "pin") == 0;
    double begun;
    for (i = 0; i < calls; ++i)
      snprintf(ids[i], sizeof ids[i], strcmp(kind, "refused") == 0 ? "no id %d" : "c2c_u%d", i);
    atomic_store(&told, 0);
    begun = now();
    for (i = 0; i < calls; ++i) {
      if (pinning)
        adieu_pin_conversation(client, ids[i], 1, on_success, on_error, NULL);
      else
        adieu_delete_conversation(client, ids[i], on_success, on_error, NULL);
    }
    while (atomic_load(&told) < calls)
      nanosleep(&(struct timespec){0, 20000}, NULL);
    printf("%.1f\n", (now() - begun) / calls);
    fflush(stdout);
  }
  adieu_client_close(client);
  return 0;
}
