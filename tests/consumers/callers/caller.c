/* A program compiled with the header of another release than the library's: an older one as it
 * was (first, 0.1), or, with NEWER, one whose structs have a field more than the library knows.
 *
 *   caller STORE        STORE is an empty folder
 */
#include <adieu.h>
#include <stdio.h>
#include <string.h>

#define EXPECT(holds) (void)((holds) || (printf("%d: not so: %s\n", __LINE__, #holds), failed = 1))

static int failed, destroyed;

struct outcome {
  int callbacks;
  int32_t code;
  size_t count;
};

static void ended(struct outcome *outcome, int32_t code) {
  outcome->callbacks++;
  outcome->code = code;
}

static void on_success(void *outcome) { ended(outcome, ADIEU_OK); }

static void on_error(void *outcome, int32_t code, const char *desc) {
  printf("%d: %s\n", (int)code, desc);
  ended(outcome, code);
}

static void on_list(void *outcome, const adieu_conversation *const *list, size_t count) {
  size_t at;

  /* An array of pointers: what lies behind each may be longer than this program knows. */
  for (at = 0; at < count; at++)
    EXPECT(strncmp(list[at]->conversation_id, "c2c_", 4) == 0 && list[at]->last_message != NULL);
  ((struct outcome *)outcome)->count = count;
  ended(outcome, ADIEU_OK);
}

static void destroy(void *outcome) { (void)outcome, destroyed++; }

static int32_t wait_for(adieu_client *client, struct outcome *outcome, int32_t accepted) {
  if (accepted != ADIEU_OK)
    return accepted;
  while (outcome->callbacks == 0)
    if (adieu_client_poll(client) < 0)
      return ADIEU_ERR_CLOSED;
  outcome->callbacks = 0;
  return outcome->code;
}

static size_t listed(adieu_client *client) {
  struct outcome outcome = {0, 0, 0};

  EXPECT(wait_for(client, &outcome, adieu_list_conversations(client, on_list, on_error, &outcome)) ==
         ADIEU_OK);
  return outcome.count;
}

#ifdef ADIEU_LISTENER_INIT
static int events;

static void on_event(void *user_data, const adieu_event *event) {
  (void)user_data;
  EXPECT(event->conversation_id != NULL);
  events++;
}
#endif

/* Structs with something behind them that the library must not take for a field of theirs. */
struct {
  adieu_client_options it;
  uint8_t behind[256];
} opening;
struct {
  adieu_delete_options it;
  uint8_t behind[256];
} deleting;
struct {
  adieu_receipt it;
  uint8_t behind[256];
} receipt;

static void prepare(const char *store) {
  const adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  const adieu_delete_options terms = ADIEU_DELETE_OPTIONS_INIT;
  const adieu_receipt empty = ADIEU_RECEIPT_INIT;

  opening.it = options;
  opening.it.delivery = ADIEU_DELIVER_BY_POLL;
  opening.it.store_path = store;
  opening.it.user_id = "alice";
  deleting.it = terms;
  deleting.it.user_data_destructor = destroy;
  receipt.it = empty;
  memset(opening.behind, 0xff, sizeof opening.behind);
  memset(deleting.behind, 0xff, sizeof deleting.behind);
  memset(receipt.behind, 0xff, sizeof receipt.behind);
}

static int untouched(const uint8_t *behind, size_t size) {
  while (size > 0)
    if (behind[--size] != 0xff)
      return 0;
  return 1;
}

int main(int argc, char **argv) {
  adieu_new_message saved[2] = {ADIEU_NEW_MESSAGE_INIT, ADIEU_NEW_MESSAGE_INIT};
  struct outcome outcome = {0, 0, 0};
  adieu_deletion_id id;
  adieu_client *client;
  char why[256] = "";
#ifdef ADIEU_LISTENER_INIT
  adieu_listener listener = ADIEU_LISTENER_INIT;
#endif

  if (argc != 2)
    return 2;
  prepare(argv[1]);
  EXPECT(adieu_abi_version() >> 16 == ADIEU_ABI_MAJOR);
#ifdef NEWER
  /* A program that needs what its header has compares, and is told. */
  EXPECT((adieu_abi_version() & 0xffff) < ADIEU_ABI_MINOR);
  opening.it.from_a_later_release = 1;
  EXPECT(adieu_client_open(&opening.it, &client, why, sizeof why) == ADIEU_ERR_ABI);
  EXPECT(client == NULL && strstr(why, "struct_size") != NULL);
  opening.it.from_a_later_release = 0;
#else
  EXPECT((adieu_abi_version() & 0xffff) >= ADIEU_ABI_MINOR);
#endif
#ifdef ADIEU_LISTENER_INIT
  listener.on_event = on_event;
  opening.it.listener = &listener;
#ifdef NEWER
  listener.from_a_later_release = 1;
  EXPECT(adieu_client_open(&opening.it, &client, why, sizeof why) == ADIEU_ERR_ABI);
  listener.from_a_later_release = 0;
#endif
#endif
  if (adieu_client_open(&opening.it, &client, why, sizeof why) != ADIEU_OK)
    return printf("%s\n", why), 1;

  saved[0].position = 1;
  saved[1].position = 2;
  saved[0].sender = saved[1].sender = "bob";
  saved[0].body = "first";
  saved[1].body = "second";
#ifdef NEWER
  saved[1].from_a_later_release = 1;
  EXPECT(adieu_save_messages(client, "c2c_bob", saved, 2, on_success, on_error, &outcome) ==
         ADIEU_ERR_ABI);
  saved[1].from_a_later_release = 0;
#endif
  EXPECT(wait_for(client, &outcome,
                  adieu_save_messages(client, "c2c_bob", saved, 2, on_success, on_error,
                                      &outcome)) == ADIEU_OK);
  EXPECT(listed(client) == 1);

  deleting.it.deletion_id = &id;
#ifdef NEWER
  deleting.it.from_a_later_release = 1;
  EXPECT(adieu_delete_conversation_with_options(client, "c2c_bob", &deleting.it, on_success,
                                                on_error, &outcome) == ADIEU_ERR_ABI);
  EXPECT(listed(client) == 1 && outcome.callbacks == 0);
  deleting.it.from_a_later_release = 0;
#endif
  EXPECT(wait_for(client, &outcome,
                  adieu_delete_conversation_with_options(client, "c2c_bob", &deleting.it,
                                                         on_success, on_error,
                                                         &outcome)) == ADIEU_OK);
  EXPECT(destroyed == 1 && listed(client) == 0);
  EXPECT(adieu_get_receipt(client, &id, &receipt.it) == ADIEU_OK);
  EXPECT(receipt.it.cut_off == 2 && receipt.it.total_ns > 0);
  EXPECT(receipt.it.struct_size == sizeof receipt.it);
  EXPECT(untouched(receipt.behind, sizeof receipt.behind));
  EXPECT(adieu_client_close(client) == ADIEU_OK);
#ifdef ADIEU_LISTENER_INIT
  EXPECT(events > 0);
#endif
  printf(failed ? "it does not work\n" : "works\n");
  return failed;
}
