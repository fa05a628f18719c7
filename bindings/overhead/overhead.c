/* Through adieu.h. */
#define _POSIX_C_SOURCE 200809L
#include <adieu.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CALLS = 2000, ROUNDS = 10 };
static atomic_int told;

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

int main(int argc, char **argv) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  adieu_client *client;
  double best = 1e18;
  int round, i;
  (void)argv;
  options.store_path = getenv("ADIEU_STORE");
  options.user_id = getenv("ADIEU_USER");
  options.server_url = getenv("ADIEU_SERVER_URL");
  options.user_sig = getenv("ADIEU_USER_SIG");
  options.sdk_app_id = strtoull(getenv("ADIEU_APP_ID"), NULL, 10);
  options.live_sync = 1; /* as the vendor's classes do */
  if (adieu_client_open(&options, &client, NULL, 0) != ADIEU_OK)
    return 1;
  for (round = 0; round < ROUNDS; ++round) {
    double begun = now(), each;
    atomic_store(&told, 0);
    for (i = 0; i < CALLS; ++i) {
      char id[32];
      snprintf(id, sizeof id, argc > 1 ? "no id %d" : "c2c_u%d", i);
      adieu_delete_conversation(client, id, on_success, on_error, NULL);
    }
    while (atomic_load(&told) < CALLS)
      nanosleep(&(struct timespec){0, 20000}, NULL);
    each = (now() - begun) / CALLS;
    best = each < best ? each : best;
  }
  adieu_client_close(client);
  printf("%.0f\n", best);
  return 0;
}
