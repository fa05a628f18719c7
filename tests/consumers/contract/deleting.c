/* What success means, on a device alone. */
#include "contract.h"

#include <string.h>

static const char *const texts[] = {"I should not have written this.", "the pin is four seven one",
                                    "what I began to write"};
#define TEXTS (sizeof texts / sizeof *texts)

/* bob's two messages, and carol's. */
static adieu_client *filled(const char *store) {
  adieu_client *client = open_device(store);

  EXPECT_CODE(save(client, "c2c_bob", 1, texts[0]), ADIEU_OK);
  EXPECT_CODE(save(client, "c2c_bob", 2, texts[1]), ADIEU_OK);
  EXPECT_CODE(save(client, "c2c_carol", 1, "See you at eight."), ADIEU_OK);
  return client;
}

/* DEL-1, DEL-5, DEL-9, ERA-2: all of it is gone, with pin, draft and marks, also after the store was
 * opened again; its neighbour has all. */
CHECK(deleted_and_nowhere_left) {
  const char *store = folder("store");
  adieu_client *client = filled(store);
  struct outcome pinned = {0}, marked = {0};
  struct line line;
  int turn;

  EXPECT_CODE(set_draft(client, "c2c_bob", texts[2]), ADIEU_OK);
  EXPECT_CODE(wait_for(client, &pinned,
                       adieu_pin_conversation(client, "c2c_bob", 1, on_success, on_error, &pinned)),
              ADIEU_OK);
  EXPECT_CODE(wait_for(client, &marked,
                       adieu_mark_conversation(client, "c2c_bob", 5, 1, on_success, on_error,
                                               &marked)),
              ADIEU_OK);
  line = line_of(client, "c2c_bob");
  EXPECT(line.listed && line.messages == 2 && line.pinned == 1 && line.marks == 4);
  EXPECT(strcmp(line.draft, texts[2]) == 0);
  EXPECT(unread(client) == 3);

  EXPECT_CODE(delete_as(client, "c2c_bob", NULL), ADIEU_OK);
  for (turn = 0; turn < 2; turn++) {
    EXPECT(!line_of(client, "c2c_bob").listed);
    EXPECT(messages(client, "c2c_bob") == 0);
    EXPECT(is_erased(client, "c2c_bob", texts, TEXTS));
    EXPECT(unread(client) == 1);
    EXPECT(conversations(client) == 1);
    EXPECT(messages(client, "c2c_carol") == 1);
    EXPECT(pending(client, NULL) == 0);
    EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
    if (turn == 0)
      client = open_device(store);
  }
}

/* DEL-3: a stale message brings nothing back, a newer one just itself; pin and draft stay gone. */
CHECK(what_comes_after_a_deletion) {
  adieu_client *client = filled(folder("store"));
  struct line line;

  EXPECT_CODE(set_draft(client, "c2c_bob", texts[2]), ADIEU_OK);
  EXPECT_CODE(delete_as(client, "c2c_bob", NULL), ADIEU_OK);
  EXPECT_CODE(save(client, "c2c_bob", 2, "a stale one"), ADIEU_OK);
  EXPECT(!line_of(client, "c2c_bob").listed && messages(client, "c2c_bob") == 0);
  EXPECT_CODE(save(client, "c2c_bob", 3, "a newer one"), ADIEU_OK);
  line = line_of(client, "c2c_bob");
  EXPECT(line.listed && line.messages == 1 && line.unread == 1 && line.draft[0] == '\0');
  EXPECT(is_erased(client, "c2c_bob", texts, TEXTS));
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* DEL-4: what is unknown or gone already counts as deleted, however it is spelled. */
CHECK(unknown_and_twice) {
  adieu_client *client = filled(folder("store"));

  EXPECT_CODE(delete_as(client, "group_unheard_of", NULL), ADIEU_OK);
  EXPECT_CODE(delete_as(client, "C2Cbob", NULL), ADIEU_OK);
  EXPECT_CODE(delete_as(client, "c2c_bob", NULL), ADIEU_OK);
  EXPECT(conversations(client) == 1);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* DEL-8: the list entry alone, and the history alone. */
CHECK(the_entry_and_the_history_apart) {
  adieu_delete_options keep = ADIEU_DELETE_OPTIONS_INIT;
  adieu_client *client = filled(folder("store"));
  struct line line;

  keep.keep_history = 1;
  EXPECT_CODE(delete_as(client, "c2c_bob", &keep), ADIEU_OK);
  EXPECT(!line_of(client, "c2c_bob").listed);
  EXPECT_CODE(save(client, "c2c_bob", 3, "a newer one"), ADIEU_OK);
  EXPECT(line_of(client, "c2c_bob").listed && messages(client, "c2c_bob") == 3);

  EXPECT_CODE(clear(client, "c2c_bob"), ADIEU_OK);
  line = line_of(client, "c2c_bob");
  EXPECT(line.listed && line.messages == 0 && line.unread == 0);
  EXPECT(messages(client, "c2c_bob") == 0);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* CALL-3, DEL-5: a list has a result for each; one that breaks a rule leaves the others alone. */
CHECK(a_list_has_a_result_for_each) {
  static const char *const ids[] = {"c2c_bob", "nobody", "c2c_unheard_of"};
  adieu_client *client = filled(folder("store"));
  struct outcome outcome = {0};

  EXPECT_CODE(wait_for(client, &outcome,
                       adieu_delete_conversations(client, ids, 3, NULL, on_results, on_error,
                                                  &outcome)),
              ADIEU_OK);
  EXPECT(outcome.count == 3);
  EXPECT_CODE(outcome.codes[0], ADIEU_OK);
  EXPECT_CODE(outcome.codes[1], ADIEU_ERR_INVALID_PARAMETER);
  EXPECT_CODE(outcome.codes[2], ADIEU_OK);
  EXPECT(conversations(client) == 1 && line_of(client, "c2c_carol").listed);
  EXPECT_CODE(wait_for(client, &outcome,
                       adieu_delete_conversations(client, ids, ADIEU_MAX_BATCH + 1, NULL,
                                                  on_results, on_error, &outcome)),
              ADIEU_ERR_INVALID_PARAMETER);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* What a listener hears of bob. */
static struct {
  int deleted, named_after, destroyed;
} heard;

static void on_event(void *user_data, const adieu_event *event) {
  (void)user_data;
  if (strcmp(event->conversation_id, "c2c_bob") != 0 || event->kind == ADIEU_EVENT_PENDING_CHANGED)
    return;
  heard.named_after += heard.deleted;
  if (event->kind == ADIEU_EVENT_CONVERSATION_DELETED)
    heard.deleted++;
}

static void destroy_listener(void *user_data) { (void)user_data, heard.destroyed++; }

/* DEL-10: after the deleted event no other names the conversation, until a newer message does. */
CHECK(nothing_names_it_after_its_deletion) {
  adieu_client_options options = device(folder("store"));
  adieu_listener listener = ADIEU_LISTENER_INIT;
  adieu_client *client;

  memset(&heard, 0, sizeof heard);
  listener.on_event = on_event;
  listener.user_data_destructor = destroy_listener;
  options.listener = &listener;
  client = open_as(&options);
  EXPECT_CODE(save(client, "c2c_bob", 1, texts[0]), ADIEU_OK);
  EXPECT_CODE(delete_as(client, "c2c_bob", NULL), ADIEU_OK);
  EXPECT_CODE(delete_as(client, "c2c_bob", NULL), ADIEU_OK);
  EXPECT_CODE(save(client, "c2c_bob", 1, "a stale one"), ADIEU_OK);
  EXPECT_CODE(save(client, "c2c_carol", 1, "another"), ADIEU_OK);
  EXPECT(heard.deleted == 1 && heard.named_after == 0 && heard.destroyed == 0);
  EXPECT_CODE(save(client, "c2c_bob", 2, "a newer one"), ADIEU_OK);
  EXPECT(heard.named_after > 0);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
  EXPECT(heard.destroyed == 1);
}

const struct check deleting[] = {ENTRY(deleted_and_nowhere_left),
                                 ENTRY(what_comes_after_a_deletion),
                                 ENTRY(unknown_and_twice),
                                 ENTRY(the_entry_and_the_history_apart),
                                 ENTRY(a_list_has_a_result_for_each),
                                 ENTRY(nothing_names_it_after_its_deletion),
                                 END};
