/* The call. */
#include "contract.h"

#include <stdio.h>
#include <string.h>

#define MANY 200

/* CALL-2: a refused call has no callback. */
CHECK(a_refused_call_has_no_callback) {
  adieu_client *client = open_device(folder("store"));
  struct outcome outcome = {0};

  EXPECT_CODE(adieu_delete_conversation(client, "c2c_bob", NULL, on_error, &outcome),
              ADIEU_ERR_INVALID_ARGUMENT);
  EXPECT_CODE(adieu_delete_conversation(client, "c2c_bob", on_success, NULL, &outcome),
              ADIEU_ERR_INVALID_ARGUMENT);
  EXPECT_CODE(adieu_list_conversations(client, NULL, on_error, &outcome),
              ADIEU_ERR_INVALID_ARGUMENT);
  pause_ms(20);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
  EXPECT(outcome.callbacks == 0);
}

/* CALL-2: each code has a text of its own. */
CHECK(every_code_has_a_text) {
  static const int32_t codes[] = {
      ADIEU_OK, ADIEU_PENDING, ADIEU_LOCAL_ONLY, ADIEU_ERR_INVALID_HANDLE,
      ADIEU_ERR_INVALID_ARGUMENT, ADIEU_ERR_CLOSED, ADIEU_ERR_FORKED, ADIEU_ERR_ABI,
      ADIEU_ERR_PANIC, ADIEU_ERR_OUTCOME_UNKNOWN, ADIEU_ERR_NOT_FOUND, ADIEU_ERR_TOO_LATE,
      ADIEU_ERR_STORE_LOCKED, ADIEU_ERR_STORE_NEWER, ADIEU_ERR_STORE_DAMAGED, ADIEU_ERR_MASTER_KEY,
      ADIEU_ERR_STORE_PATH, ADIEU_ERR_CANCELLED, ADIEU_ERR_BAD_ANSWER, ADIEU_ERR_NOT_SIGNED_IN,
      ADIEU_ERR_INVALID_PARAMETER, ADIEU_ERR_STORE_FAILED, ADIEU_ERR_STORE_IO,
      ADIEU_ERR_NETWORK_UNREACHABLE, ADIEU_ERR_CONNECT_TIMED_OUT, ADIEU_ERR_CONNECTION_REFUSED,
      ADIEU_ERR_QUEUE_TIMED_OUT, ADIEU_ERR_USER_SIG_EXPIRED};
  const char *unknown = adieu_strerror(123456789);
  size_t one, other;

  EXPECT(unknown != NULL && unknown[0] != '\0');
  for (one = 0; one < sizeof codes / sizeof *codes; one++) {
    const char *text = adieu_strerror(codes[one]);

    EXPECT(text != NULL && text[0] != '\0' && strcmp(text, unknown) != 0);
    for (other = 0; other < one; other++)
      EXPECT(strcmp(text, adieu_strerror(codes[other])) != 0);
  }
}

/* Callbacks on a thread of the library: written by that thread alone. */
static volatile int inside, overlapped, slow_ones;

static void on_slow_success(void *outcome) {
  overlapped |= inside++;
  on_success(outcome);
  inside--;
  slow_ones++;
}

static void on_slow_list(void *outcome, const adieu_conversation *const *list, size_t count) {
  (void)list, (void)count;
  on_slow_success(outcome);
}

static void on_slow_error(void *outcome, int32_t code, const char *desc) {
  overlapped |= inside++;
  on_error(outcome, code, desc);
  inside--;
  slow_ones++;
}

/* CALL-3, CALL-4: one outcome each, on another thread, one after the other and in order. */
CHECK(one_outcome_each_on_another_thread) {
  static struct outcome outcomes[MANY];
  adieu_client_options options = device(folder("store"));
  adieu_client *client;
  int at;

  options.delivery = ADIEU_DELIVER_ON_LIBRARY_THREAD;
  client = open_as(&options);
  inside = overlapped = slow_ones = 0;
  for (at = 0; at < MANY; at++)
    EXPECT_CODE(at % 2 == 0 ? adieu_list_conversations(client, on_slow_list, on_slow_error,
                                                       &outcomes[at])
                            : adieu_delete_conversation(client, "nobody", on_slow_success,
                                                        on_slow_error, &outcomes[at]),
                ADIEU_OK);
  EXPECT(reaches(&slow_ones, MANY));
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
  EXPECT(!overlapped);
  for (at = 0; at < MANY; at++) {
    EXPECT(outcomes[at].callbacks == 1);
    EXPECT_CODE(outcomes[at].code, at % 2 == 0 ? ADIEU_OK : ADIEU_ERR_INVALID_PARAMETER);
    EXPECT(outcomes[at].thread != this_thread());
    EXPECT(outcomes[at].thread == outcomes[0].thread);
    EXPECT(at == 0 || outcomes[at].number > outcomes[at - 1].number);
  }
}

/* CALL-3: a close ends what is open, each call once. */
CHECK(close_with_calls_in_flight) {
  static struct outcome outcomes[MANY];
  adieu_client_options options = device(folder("store"));
  adieu_client *client;
  char id[32];
  int at;

  options.delivery = ADIEU_DELIVER_ON_LIBRARY_THREAD;
  client = open_as(&options);
  slow_ones = 0;
  for (at = 0; at < MANY; at++) {
    snprintf(id, sizeof id, "c2c_user%d", at);
    EXPECT_CODE(adieu_delete_conversation(client, id, on_slow_success, on_slow_error,
                                          &outcomes[at]),
                ADIEU_OK);
  }
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
  EXPECT(slow_ones == MANY);
  for (at = 0; at < MANY; at++) {
    EXPECT(outcomes[at].callbacks == 1);
    EXPECT(outcomes[at].code == ADIEU_OK || outcomes[at].code == ADIEU_PENDING);
  }
}

/* CALL-3, CALL-6: where the host delivers, nothing comes before it polls. */
CHECK(never_on_the_callers_stack) {
  adieu_client *client = open_device(folder("store"));
  struct outcome outcome = {0};

  EXPECT_CODE(adieu_delete_conversation(client, "c2c_bob", on_success, on_error, &outcome),
              ADIEU_OK);
  pause_ms(50);
  EXPECT(outcome.callbacks == 0);
  EXPECT_CODE(wait_for(client, &outcome, ADIEU_OK), ADIEU_OK);
  EXPECT(outcome.thread == this_thread());
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* What a callback calls. */
static struct {
  adieu_client *client;
  struct outcome outcome, next;
  int32_t accepted, total, polled, closed;
} from_callback;

static void on_success_call_more(void *outcome) {
  uint64_t total;

  from_callback.total = adieu_total_unread(from_callback.client, &total);
  from_callback.accepted = adieu_delete_conversation(from_callback.client, "c2c_carol", on_success,
                                                     on_error, &from_callback.next);
  from_callback.polled = adieu_client_poll(from_callback.client);
  from_callback.closed = adieu_client_close(from_callback.client);
  on_success(outcome);
}

/* CALL-4, ABI-5: a callback may call anything; a close there takes effect when it returns. */
CHECK(a_callback_may_call_anything_and_close) {
  adieu_client *client = open_device(folder("store"));

  memset(&from_callback, 0, sizeof from_callback);
  from_callback.client = client;
  EXPECT_CODE(wait_for(client, &from_callback.outcome,
                       adieu_delete_conversation(client, "c2c_bob", on_success_call_more, on_error,
                                                 &from_callback.outcome)),
              ADIEU_OK);
  EXPECT_CODE(from_callback.total, ADIEU_OK);
  EXPECT_CODE(from_callback.accepted, ADIEU_OK);
  EXPECT_CODE(from_callback.polled, 0);
  EXPECT_CODE(from_callback.closed, ADIEU_PENDING);
  EXPECT(from_callback.next.callbacks == 1);
  EXPECT_CODE(adieu_client_poll(client), ADIEU_ERR_INVALID_HANDLE);
}

/* CALL-5: the destructor runs once: after the callback, and for a refused call before it returns. */
CHECK(destructors_run_once) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  adieu_client *client = open_device(folder("store"));
  struct outcome ended = {0}, refused = {0}, closed = {0};

  options.user_data_destructor = destroy;
  EXPECT_CODE(adieu_delete_conversation_with_options(client, "c2c_bob", &options, NULL, on_error,
                                                     &refused),
              ADIEU_ERR_INVALID_ARGUMENT);
  EXPECT(refused.destroyed == 1 && refused.callbacks == 0);
  EXPECT_CODE(adieu_delete_conversation_with_options(client, "c2c_bob", &options, on_success,
                                                     on_error, &ended),
              ADIEU_OK);
  EXPECT(ended.destroyed == 0);
  EXPECT_CODE(wait_for(client, &ended, ADIEU_OK), ADIEU_OK);
  EXPECT(ended.destroyed == 1 && ended.callbacks_at_destruction == 1);
  EXPECT_CODE(adieu_delete_conversation_with_options(client, "c2c_bob", &options, on_success,
                                                     on_error, &closed),
              ADIEU_OK);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
  EXPECT(closed.callbacks == 1 && closed.destroyed == 1 && closed.callbacks_at_destruction == 1);
  EXPECT(ended.destroyed == 1 && refused.destroyed == 1);
}

/* CALL-5: the deletion's id is given back, and names its receipt. */
CHECK(the_deletion_id_is_given) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  adieu_receipt receipt = ADIEU_RECEIPT_INIT;
  adieu_deletion_id id, stranger;
  adieu_client *client = open_device(folder("store"));

  memset(&id, 0, sizeof id);
  memset(&stranger, 0x55, sizeof stranger);
  options.deletion_id = &id;
  EXPECT_CODE(save(client, "c2c_bob", 7, "Are you there?"), ADIEU_OK);
  EXPECT_CODE(delete_as(client, "c2c_bob", &options), ADIEU_OK);
  EXPECT_CODE(adieu_get_receipt(client, &id, &receipt), ADIEU_OK);
  EXPECT(receipt.cut_off == 7 && receipt.erase_ns > 0 && receipt.total_ns >= receipt.erase_ns);
  EXPECT_CODE(adieu_get_receipt(client, &stranger, &receipt), ADIEU_ERR_NOT_FOUND);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

static volatile int posts;

static void on_post(void *post_data) { (void)post_data, posts++; }

/* CALL-6: one wake-up for all that waits, and another one after it was taken. */
CHECK(the_post_hook_is_coalesced) {
  adieu_client_options options = device(folder("store"));
  struct outcome outcomes[20], next = {0};
  adieu_client *client;
  int at;

  memset(outcomes, 0, sizeof outcomes);
  posts = 0;
  options.post = on_post;
  client = open_as(&options);
  for (at = 0; at < 20; at++)
    EXPECT_CODE(adieu_list_conversations(client, on_list, on_error, &outcomes[at]), ADIEU_OK);
  EXPECT(reaches(&posts, 1));
  for (at = 0; at < 20; at++)
    EXPECT_CODE(wait_for(client, &outcomes[at], ADIEU_OK), ADIEU_OK);
  at = posts;
  EXPECT(at < 20);
  EXPECT_CODE(adieu_list_conversations(client, on_list, on_error, &next), ADIEU_OK);
  EXPECT(reaches(&posts, at + 1));
  EXPECT_CODE(adieu_client_poll(client), 1);
  EXPECT(next.callbacks == 1);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* CALL-6: where the library delivers, there is nothing to poll. */
CHECK(polling_where_the_library_delivers) {
  adieu_client_options options = device(folder("store"));
  adieu_client *client;

  options.delivery = ADIEU_DELIVER_ON_LIBRARY_THREAD;
  client = open_as(&options);
  EXPECT_CODE(adieu_client_poll(client), ADIEU_ERR_INVALID_ARGUMENT);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* CALL-7: what is passed in is copied before the call returns. */
CHECK(strings_are_copied) {
  char path[1024], user[] = "alice", id[] = "c2c_bob", sender[] = "bob", body[] = "keep this";
  adieu_new_message message = ADIEU_NEW_MESSAGE_INIT;
  adieu_client_options options;
  struct outcome outcome = {0};
  adieu_client *client;
  int32_t accepted;

  snprintf(path, sizeof path, "%s", folder("store"));
  options = device(path);
  options.user_id = user;
  client = open_as(&options);
  memset(path, 'x', strlen(path));
  memset(user, 'x', strlen(user));
  message.position = 1;
  message.sender = sender;
  message.body = body;
  accepted = adieu_save_messages(client, id, &message, 1, on_success, on_error, &outcome);
  memset(id, 'x', strlen(id));
  memset(sender, '\xff', strlen(sender));
  memset(body, '\xff', strlen(body));
  memset(&message, 0xff, sizeof message);
  EXPECT_CODE(wait_for(client, &outcome, accepted), ADIEU_OK);
  EXPECT(messages(client, "c2c_bob") == 1);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* CALL-7: text that is not UTF-8 is told, and nothing is saved. */
CHECK(text_that_is_not_utf8_is_told) {
  adieu_client *client = open_device(folder("store"));
  adieu_client_options options = device("no \xff folder");
  adieu_client *none;

  EXPECT_CODE(save(client, "c2c_bob", 1, "broken \xc3\x28"), ADIEU_ERR_INVALID_PARAMETER);
  EXPECT_CODE(delete_as(client, "c2c_\xff", NULL), ADIEU_ERR_INVALID_PARAMETER);
  EXPECT_CODE(adieu_client_open(&options, &none, NULL, 0), ADIEU_ERR_INVALID_PARAMETER);
  EXPECT(conversations(client) == 0);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

const struct check calls[] = {ENTRY(a_refused_call_has_no_callback),
                              ENTRY(every_code_has_a_text),
                              ENTRY(one_outcome_each_on_another_thread),
                              ENTRY(close_with_calls_in_flight),
                              ENTRY(never_on_the_callers_stack),
                              ENTRY(a_callback_may_call_anything_and_close),
                              ENTRY(destructors_run_once),
                              ENTRY(the_deletion_id_is_given),
                              ENTRY(the_post_hook_is_coalesced),
                              ENTRY(polling_where_the_library_delivers),
                              ENTRY(strings_are_copied),
                              ENTRY(text_that_is_not_utf8_is_told),
                              END};
