#include "deletes.h"

#include <adieu.h>
#include <stdio.h>

/* Callbacks run within adieu_client_poll, on this thread. */
struct outcome { int known; int32_t code; size_t conversations; };

static void end(void *user_data, int32_t code) {
  struct outcome *outcome = user_data;
  outcome->known = 1;
  outcome->code = code;
}

static void on_success(void *user_data) { end(user_data, ADIEU_OK); }

static void on_error(void *user_data, int32_t code, const char *desc) {
  fprintf(stderr, "%d: %s\n", (int)code, desc);
  end(user_data, code);
}

static void on_list(void *user_data, const adieu_conversation *const *conversations,
                    size_t count) {
  (void)conversations;
  ((struct outcome *)user_data)->conversations = count;
  end(user_data, ADIEU_OK);
}

static int32_t wait_for(adieu_client *client, struct outcome *outcome, int32_t accepted) {
  if (accepted != ADIEU_OK)
    return accepted;
  while (!outcome->known)
    if (adieu_client_poll(client) < 0)
      return ADIEU_ERR_CLOSED;
  outcome->known = 0;
  return outcome->code;
}

int deletes(const char *store) {
  static uint64_t position;
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  adieu_new_message message = ADIEU_NEW_MESSAGE_INIT;
  struct outcome outcome = {0, ADIEU_OK, 0};
  adieu_client *client;
  char why[256];
  int32_t code;

  if (adieu_abi_version() >> 16 != ADIEU_ABI_MAJOR)
    return ADIEU_ERR_ABI;
  options.delivery = ADIEU_DELIVER_BY_POLL;
  options.store_path = store;
  options.user_id = "alice";
  code = adieu_client_open(&options, &client, why, sizeof why);
  if (code != ADIEU_OK) {
    fprintf(stderr, "%s\n", why);
    return code;
  }
  message.position = ++position; /* one that was deleted never comes back */
  message.time = 1714550000;
  message.sender = "bob";
  message.body = "Are you there?";
  code = wait_for(client, &outcome,
                  adieu_save_messages(client, "c2c_bob", &message, 1, on_success, on_error,
                                      &outcome));
  if (code == ADIEU_OK)
    code = wait_for(client, &outcome, adieu_list_conversations(client, on_list, on_error, &outcome));
  if (code == ADIEU_OK && outcome.conversations != 1)
    code = ADIEU_ERR_NOT_FOUND;
  if (code == ADIEU_OK)
    code = wait_for(client, &outcome,
                    adieu_delete_conversation(client, "c2c_bob", on_success, on_error, &outcome));
  if (code == ADIEU_OK)
    code = wait_for(client, &outcome, adieu_list_conversations(client, on_list, on_error, &outcome));
  if (code == ADIEU_OK && outcome.conversations != 0)
    code = ADIEU_ERR_TOO_LATE;
  adieu_client_close(client);
  return code;
}
