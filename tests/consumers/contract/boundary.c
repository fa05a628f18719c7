/* Safety of the boundary. */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "contract.h"

#include <stdio.h>
#include <string.h>

/* Every call on a handle, with arguments that are good. */
static void refused_everywhere(adieu_client *handle, struct outcome *o) {
  static const char *const ids[] = {"c2c_bob"};
  adieu_new_message message = ADIEU_NEW_MESSAGE_INIT;
  adieu_receipt receipt = ADIEU_RECEIPT_INIT;
  adieu_deletion_id id;
  uint64_t total;
  size_t at;
  const int32_t answers[] = {
      adieu_client_poll(handle),
      adieu_sign_in(handle, "sig"),
      adieu_network_changed(handle, 1),
      adieu_total_unread(handle, &total),
      adieu_get_receipt(handle, (memset(&id, 0, sizeof id), &id), &receipt),
      adieu_pull(handle, on_success, on_error, o),
      adieu_list_conversations(handle, on_list, on_error, o),
      adieu_get_history(handle, "c2c_bob", 0, 1, on_messages, on_error, o),
      adieu_save_messages(handle, "c2c_bob", &message, 1, on_success, on_error, o),
      adieu_pin_conversation(handle, "c2c_bob", 1, on_success, on_error, o),
      adieu_set_draft(handle, "c2c_bob", "draft", on_success, on_error, o),
      adieu_mark_conversation(handle, "c2c_bob", 1, 0, on_success, on_error, o),
      adieu_mark_read(handle, "c2c_bob", 0, on_success, on_error, o),
      adieu_delete_conversation(handle, "c2c_bob", on_success, on_error, o),
      adieu_delete_conversation_with_options(handle, "c2c_bob", NULL, on_success, on_error, o),
      adieu_delete_conversations(handle, ids, 1, NULL, on_results, on_error, o),
      adieu_clear_history(handle, "c2c_bob", NULL, on_success, on_error, o),
      adieu_list_pending(handle, on_pending, on_error, o),
      adieu_undo_delete(handle, &id, on_success, on_error, o),
      adieu_cancel_deletion(handle, &id, on_success, on_error, o),
      adieu_retry_deletion(handle, &id, on_success, on_error, o),
      adieu_acknowledge_deletion(handle, &id, on_success, on_error, o),
      adieu_verify_erased(handle, "c2c_bob", ids, 1, on_verification, on_error, o),
      adieu_client_close_async(handle, on_success, o),
      adieu_client_close(handle)};

  for (at = 0; at < sizeof answers / sizeof *answers; at++)
    EXPECT_CODE(answers[at], ADIEU_ERR_INVALID_HANDLE);
}

/* ABI-1: a handle of nobody, a stale one and NULL are refused and never followed. */
CHECK(handles_of_nobody_are_refused) {
  const char *store = folder("store");
  adieu_client *stale = open_device(store), *living;
  struct outcome outcome = {0};

  EXPECT_CODE(adieu_client_close(stale), ADIEU_OK);
  living = open_device(store);
  EXPECT(living != stale);
  refused_everywhere(NULL, &outcome);
  refused_everywhere(stale, &outcome);
  refused_everywhere((adieu_client *)(uintptr_t)1, &outcome);
  refused_everywhere((adieu_client *)&outcome, &outcome);
  EXPECT_CODE(adieu_client_close(living), ADIEU_OK);
  EXPECT(outcome.callbacks == 0);
}

/* ABI-2: what an open is refused for, it says, within the room that there is. */
CHECK(a_refused_open_says_why) {
  adieu_client_options options = device(NULL);
  adieu_client *client = (adieu_client *)&options;
  char why[64];
  size_t room;

  EXPECT_CODE(adieu_client_open(NULL, &client, why, sizeof why), ADIEU_ERR_INVALID_ARGUMENT);
  EXPECT(client == NULL);
  EXPECT(adieu_client_open(&options, &client, why, sizeof why) != ADIEU_OK);
  EXPECT(strstr(why, "store_path") != NULL);
  options = device("a folder that \xe2\x82\xac is not there");
  for (room = 0; room < sizeof why; room++) {
    memset(why, 0x7f, sizeof why);
    EXPECT_CODE(adieu_client_open(&options, &client, why, room), ADIEU_ERR_STORE_PATH);
    EXPECT(room == 0 || memchr(why, 0, room) != NULL);
    EXPECT(why[room] == 0x7f);
  }
  options = device(folder("store"));
  options.struct_size = 8;
  EXPECT_CODE(adieu_client_open(&options, &client, NULL, 0), ADIEU_ERR_ABI);
}

/* ABI-2: one client at a time opens a store; the second is told, and the folder is free at once
 * when the first has closed. */
CHECK(one_client_at_a_time) {
  adieu_client_options options = device(folder("store"));
  adieu_client *first = open_as(&options), *second;

  EXPECT_CODE(adieu_client_open(&options, &second, NULL, 0), ADIEU_ERR_STORE_LOCKED);
  EXPECT_CODE(adieu_client_close(first), ADIEU_OK);
  second = open_as(&options);
  EXPECT_CODE(adieu_client_close(second), ADIEU_OK);
}

/* ABI-2: a store belongs to the key that it was made with. */
CHECK(another_master_key_opens_nothing) {
  static const uint8_t one[32] = {1}, other[32] = {2};
  adieu_client_options options = device(folder("store"));
  adieu_client *client;

  options.master_key = one;
  client = open_as(&options);
  EXPECT_CODE(save(client, "c2c_bob", 1, "a message"), ADIEU_OK);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
  options.master_key = other;
  EXPECT_CODE(adieu_client_open(&options, &client, NULL, 0), ADIEU_ERR_MASTER_KEY);
  options.master_key = one;
  client = open_as(&options);
  EXPECT(messages(client, "c2c_bob") == 1);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* ABI-4: the library that was loaded is the one of this header. */
CHECK(the_version_is_that_of_the_header) {
  EXPECT(adieu_abi_version() == ((uint32_t)ADIEU_ABI_MAJOR << 16 | ADIEU_ABI_MINOR));
  EXPECT(strchr(adieu_version(), '.') != NULL);
}

#ifndef _WIN32 /* which has no fork */
/* ABI-4: a forked child is refused. */
CHECK(a_forked_child_is_refused) {
  adieu_client *client = open_device(folder("store"));
  struct outcome outcome = {0};
  int status = -1;
  pid_t child = fork();

  if (child == 0)
    _exit(adieu_delete_conversation(client, "c2c_bob", on_success, on_error, &outcome) ==
              ADIEU_ERR_FORKED &&
          adieu_client_close(client) == ADIEU_ERR_FORKED &&
          adieu_strerror(ADIEU_ERR_FORKED)[0] != '\0'
              ? 0
              : 1);
  EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
  EXPECT_CODE(delete_as(client, "c2c_bob", NULL), ADIEU_OK);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}
#endif

/* ABI-5: close delivers what is left on this thread; afterwards the handle is stale. */
CHECK(close_delivers_what_is_left) {
  adieu_client *client = open_device(folder("store"));
  struct outcome outcomes[3];
  int at;

  memset(outcomes, 0, sizeof outcomes);
  for (at = 0; at < 3; at++)
    EXPECT_CODE(adieu_list_conversations(client, on_list, on_error, &outcomes[at]), ADIEU_OK);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
  for (at = 0; at < 3; at++)
    EXPECT(outcomes[at].callbacks == 1 && outcomes[at].thread == this_thread());
  EXPECT_CODE(adieu_client_close(client), ADIEU_ERR_INVALID_HANDLE);
}

/* ABI-5: the callback of an asynchronous close is the client's last. */
CHECK(close_async_calls_back_last) {
  const char *store = folder("store");
  adieu_client *client = open_device(store);
  struct outcome deleted = {0}, closed = {0}, late = {0};
  int32_t accepted;
  int turn;

  EXPECT_CODE(adieu_delete_conversation(client, "c2c_bob", on_success, on_error, &deleted),
              ADIEU_OK);
  EXPECT_CODE(adieu_client_close_async(client, on_success, &closed), ADIEU_OK);
  EXPECT_CODE(adieu_client_close_async(client, on_success, &late), ADIEU_ERR_CLOSED);
  /* It may come before the close does; then it has its outcome too. */
  accepted = adieu_delete_conversation(client, "c2c_carol", on_success, on_error, &late);
  EXPECT(accepted == ADIEU_OK || accepted == ADIEU_ERR_CLOSED);
  for (turn = 0; turn < 30000 && closed.callbacks == 0; turn++)
    if (adieu_client_poll(client) <= 0)
      pause_ms(1);
  EXPECT(deleted.callbacks == 1 && closed.callbacks == 1);
  EXPECT(late.callbacks == (accepted == ADIEU_OK));
  EXPECT(deleted.number < closed.number && late.number < closed.number);
  EXPECT_CODE(adieu_client_poll(client), ADIEU_ERR_INVALID_HANDLE);
  EXPECT_CODE(adieu_client_close(open_device(store)), ADIEU_OK);
}

const struct check boundary[] = {ENTRY(handles_of_nobody_are_refused),
                                 ENTRY(a_refused_open_says_why),
                                 ENTRY(one_client_at_a_time),
                                 ENTRY(another_master_key_opens_nothing),
                                 ENTRY(the_version_is_that_of_the_header),
#ifndef _WIN32
                                 ENTRY(a_forked_child_is_refused),
#endif
                                 ENTRY(close_delivers_what_is_left),
                                 ENTRY(close_async_calls_back_last),
                                 END};
