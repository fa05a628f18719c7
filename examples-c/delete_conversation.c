/* Deletes one conversation for good: from the server, then from this device.
 *
 *   ADIEU_USER_SIG=... delete_conversation STORE USER SERVER APP_ID CONVERSATION
 */
#define _POSIX_C_SOURCE 199309L /* nanosleep */
#include <adieu.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct outcome { int known; int32_t code; };

static void on_success(void *user_data) {
  *(struct outcome *)user_data = (struct outcome){1, ADIEU_OK};
}

static void on_error(void *user_data, int32_t code, const char *desc) {
  fprintf(stderr, "%d: %s\n", (int)code, desc);
  *(struct outcome *)user_data = (struct outcome){1, code};
}

/* Callbacks run within adieu_client_poll, on this thread; an app polls from its own loop. */
static int32_t outcome_of(int32_t accepted, adieu_client *client, struct outcome *outcome) {
  if (accepted != ADIEU_OK) return accepted; /* refused: no callback follows */
  while (adieu_client_poll(client) == 0 && !outcome->known)
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  outcome->known = 0;
  return outcome->code;
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "STORE USER SERVER APP_ID CONVERSATION\n"), 2;
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  options.delivery = ADIEU_DELIVER_BY_POLL;
  options.store_path = argv[1]; /* a folder that exists */
  options.user_id = argv[2];
  options.server_url = argv[3];
  options.sdk_app_id = strtoull(argv[4], NULL, 10);
  options.user_sig = getenv("ADIEU_USER_SIG");

  adieu_client *client;
  char why[256];
  if (adieu_client_open(&options, &client, why, sizeof why) != ADIEU_OK)
    return fprintf(stderr, "%s\n", why), 1;
  struct outcome outcome = {0, ADIEU_OK};
  int32_t code = outcome_of(adieu_pull(client, on_success, on_error, &outcome), client, &outcome);
  if (code == ADIEU_OK)
    code = outcome_of(adieu_delete_conversation(client, argv[5], on_success, on_error, &outcome),
                      client, &outcome);
  printf("%s: %s\n", argv[5], code == ADIEU_OK ? "deleted for good" : adieu_strerror(code));
  adieu_client_close(client);
  return code == ADIEU_OK ? 0 : 1;
}
