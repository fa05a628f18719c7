/* When things fail. */
#include "contract.h"

#include <string.h>

/* A device whose server is not there. */
static adieu_client *away(const char *store) {
  adieu_client_options options = device(store);

  options.server_url = "http://127.0.0.1:9";
  options.sdk_app_id = 1400000000;
  options.user_sig = "none";
  return open_as(&options);
}

/* How long until its first pending deletion is in that state. */
static int comes_to(adieu_client *client, uint32_t state) {
  struct outcome first = {0};
  int turn;

  for (turn = 0; turn < 3000; turn++) {
    if (pending(client, &first) == 1 && first.state == state)
      return 1;
    pause_ms(10);
  }
  return 0;
}

/* DEL-2: without the server's word the device has all of it, and nothing is left to do. */
CHECK(a_server_that_is_not_there) {
  adieu_client *client = away(folder("store"));
  int32_t code;

  EXPECT_CODE(save(client, "c2c_bob", 1, "a message"), ADIEU_OK);
  code = delete_as(client, "c2c_bob", NULL);
  EXPECT_CODE(code, ADIEU_ERR_CONNECTION_REFUSED);
  EXPECT(adieu_is_retryable(code) == 1);
  EXPECT(line_of(client, "c2c_bob").listed && messages(client, "c2c_bob") == 1);
  EXPECT(pending(client, NULL) == 0);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* DUR-2, DUR-3: queued: erased at once, pending until the server is there, across a restart. */
CHECK(queued_while_the_server_is_away) {
  static const char *const texts[] = {"a message that nobody should read"};
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  const char *store = folder("store");
  adieu_client *client = away(store);
  struct outcome outcome = {0}, first, cancelled = {0}, undone = {0}, retried = {0};
  adieu_deletion_id id;

  options.policy = ADIEU_POLICY_QUEUE;
  options.deletion_id = &id;
  EXPECT_CODE(save(client, "c2c_bob", 1, texts[0]), ADIEU_OK);
  EXPECT_CODE(adieu_delete_conversation_with_options(client, "c2c_bob", &options, on_success,
                                                     on_error, &outcome),
              ADIEU_OK);
  EXPECT(comes_to(client, ADIEU_PENDING_WAITING));
  EXPECT(outcome.callbacks == 0);
  EXPECT(!line_of(client, "c2c_bob").listed && messages(client, "c2c_bob") == 0);
  EXPECT(is_erased(client, "c2c_bob", texts, 1));
  EXPECT(pending(client, &first) == 1 && first.erased == 1);
  EXPECT(memcmp(&first.deletion_id, &id, sizeof id) == 0);
  EXPECT_CODE(wait_for(client, &cancelled,
                       adieu_cancel_deletion(client, &id, on_success, on_error, &cancelled)),
              ADIEU_ERR_TOO_LATE);
  EXPECT_CODE(wait_for(client, &undone,
                       adieu_undo_delete(client, &id, on_success, on_error, &undone)),
              ADIEU_ERR_TOO_LATE);
  EXPECT_CODE(wait_for(client, &retried,
                       adieu_retry_deletion(client, &id, on_success, on_error, &retried)),
              ADIEU_OK);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
  EXPECT(outcome.callbacks == 1);
  EXPECT_CODE(outcome.code, ADIEU_PENDING);

  client = away(store);
  EXPECT(comes_to(client, ADIEU_PENDING_WAITING));
  EXPECT(pending(client, &first) == 1 && memcmp(&first.deletion_id, &id, sizeof id) == 0);
  EXPECT(conversations(client) == 0);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* DUR-5: on this device alone, with a result of its own. */
CHECK(on_this_device_alone) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  adieu_client *client = away(folder("store"));

  options.policy = ADIEU_POLICY_LOCAL_ONLY;
  EXPECT_CODE(save(client, "c2c_bob", 1, "a message"), ADIEU_OK);
  EXPECT_CODE(delete_as(client, "c2c_bob", &options), ADIEU_LOCAL_ONLY);
  EXPECT(conversations(client) == 0 && pending(client, NULL) == 0);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* DUR-3, DUR-6: within its window a deletion hides, and undo or cancel bring all of it back. */
CHECK(undone_and_cancelled) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  adieu_client *client = open_device(folder("store"));
  adieu_deletion_id id;
  int turn;

  options.undo_ms = 60000;
  options.deletion_id = &id;
  EXPECT_CODE(save(client, "c2c_bob", 1, "a message"), ADIEU_OK);
  EXPECT_CODE(set_draft(client, "c2c_bob", "a draft"), ADIEU_OK);
  for (turn = 0; turn < 2; turn++) {
    struct outcome deleted = {0}, back = {0}, again = {0}, first;

    EXPECT_CODE(adieu_delete_conversation_with_options(client, "c2c_bob", &options, on_success,
                                                       on_error, &deleted),
                ADIEU_OK);
    EXPECT(conversations(client) == 0 && unread(client) == 0);
    EXPECT(pending(client, &first) == 1 && first.state == ADIEU_PENDING_UNDOABLE);
    EXPECT(first.erased == 0 && deleted.callbacks == 0);
    EXPECT_CODE(wait_for(client, &back,
                         turn == 0 ? adieu_undo_delete(client, &id, on_success, on_error, &back)
                                   : adieu_cancel_deletion(client, &id, on_success, on_error,
                                                           &back)),
                ADIEU_OK);
    EXPECT_CODE(wait_for(client, &deleted, ADIEU_OK), ADIEU_ERR_CANCELLED);
    EXPECT(messages(client, "c2c_bob") == 1 && unread(client) == 1);
    EXPECT(strcmp(line_of(client, "c2c_bob").draft, "a draft") == 0);
    EXPECT_CODE(wait_for(client, &again,
                         adieu_undo_delete(client, &id, on_success, on_error, &again)),
                ADIEU_ERR_NOT_FOUND);
  }
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* DUR-6: at the first open after its window a deletion takes its way. */
CHECK(not_undone) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  const char *store = folder("store");
  adieu_client *client = open_device(store);
  struct outcome deleted = {0};
  int turn;

  options.undo_ms = 200;
  EXPECT_CODE(save(client, "c2c_bob", 1, "a message"), ADIEU_OK);
  EXPECT_CODE(adieu_delete_conversation_with_options(client, "c2c_bob", &options, on_success,
                                                     on_error, &deleted),
              ADIEU_OK);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
  EXPECT(deleted.callbacks == 1);
  EXPECT_CODE(deleted.code, ADIEU_PENDING);
  client = open_device(store);
  for (turn = 0; turn < 3000 && pending(client, NULL) > 0; turn++)
    pause_ms(10);
  EXPECT(pending(client, NULL) == 0 && conversations(client) == 0);
  EXPECT(messages(client, "c2c_bob") == 0);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

const struct check failing[] = {ENTRY(a_server_that_is_not_there),
                                ENTRY(queued_while_the_server_is_away),
                                ENTRY(on_this_device_alone),
                                ENTRY(undone_and_cancelled),
                                ENTRY(not_undone),
                                END};

/* ---- a process that is killed ---- */

static const char *const killed_texts[] = {"bob's only message", "the group's only message"};

void accept_and_be_killed(void) {
  struct outcome outcome = {0};
  adieu_client *client = open_device(folder("store"));

  EXPECT_CODE(save(client, "c2c_bob", 1, killed_texts[0]), ADIEU_OK);
  EXPECT_CODE(save(client, "group_club", 1, killed_texts[1]), ADIEU_OK);
  EXPECT_CODE(save(client, "c2c_carol", 1, "carol's message"), ADIEU_OK);
  if (adieu_delete_conversation(client, "c2c_bob", on_success, on_error, &outcome) == ADIEU_OK &&
      adieu_delete_conversation(client, "group_club", on_success, on_error, &outcome) == ADIEU_OK)
    kill_this_process();
}

/* DUR-1: what was accepted in the moment before is finished by the next open. */
CHECK(what_was_accepted_is_finished) {
  adieu_client *client = open_device(folder("store"));
  int turn;

  for (turn = 0; turn < 3000 && pending(client, NULL) > 0; turn++)
    pause_ms(10);
  EXPECT(pending(client, NULL) == 0);
  EXPECT(conversations(client) == 1 && line_of(client, "c2c_carol").messages == 1);
  EXPECT(is_erased(client, "c2c_bob", killed_texts, 2));
  EXPECT(is_erased(client, "group_club", killed_texts, 2));
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

const struct check killed[] = {ENTRY(what_was_accepted_is_finished), END};
