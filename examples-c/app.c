#include "app.h"

#include <stdio.h>
#include <string.h>

/* How long the button "Undo" is shown. */
#define UNDO_MS 60000

static const char *const CALL_NAMES[APP_CALLS] = {"save c2c_bob", "save c2c_carol",
                                                  "delete c2c_bob", "undo c2c_bob",
                                                  "delete c2c_carol"};

void app_init(struct app *app, void (*deliver)(struct app *, const struct news *), void *way) {
  int call;

  memset(app, 0, sizeof *app);
  app->deliver = deliver;
  app->way = way;
  for (call = 0; call < APP_CALLS; call++) {
    app->lines[call].app = app;
    app->lines[call].call = (enum app_call)call;
  }
}

/* ---- callbacks: copy what is needed, pass it on, return ---- */

static void call_ended(const struct app_line *line, int32_t code) {
  struct news news;

  memset(&news, 0, sizeof news);
  news.call = line->call;
  news.code = code;
  line->app->deliver(line->app, &news);
}

static void on_success(void *user_data) { call_ended(user_data, ADIEU_OK); }

static void on_error(void *user_data, int32_t code, const char *desc) {
  (void)desc; /* a text for the log */
  call_ended(user_data, code);
}

static void on_event(void *user_data, const adieu_event *event) {
  struct app *app = user_data;
  struct news news;

  memset(&news, 0, sizeof news);
  news.is_event = 1;
  news.kind = event->kind;
  news.code = event->code;
  news.deletion_id = event->deletion_id;
  /* Which pointers are set, the kind says; the others are NULL. */
  if (event->conversation != NULL)
    news.messages = event->conversation->message_count;
  if (event->pending != NULL)
    news.pending = event->pending->state;
  snprintf(news.conversation_id, sizeof news.conversation_id, "%s", event->conversation_id);
  app->deliver(app, &news);
}

/* ---- calls ---- */

static void *line_of(struct app *app, enum app_call call) { return &app->lines[call]; }

/* A negative code refuses the call: no callback follows, so this is the place to notice. */
static void accepted(struct app *app, enum app_call call, int32_t code) {
  if (code == ADIEU_OK)
    return;
  fprintf(stderr, "%s: refused: %s\n", CALL_NAMES[call], adieu_strerror(code));
  app->failed = app->is_over = 1;
}

static void save(struct app *app, enum app_call call, const char *id, const char *sender) {
  static const char *const bodies[] = {"Are you there?", "I have something to tell you.",
                                       "Forget it."};
  adieu_new_message messages[3] = {ADIEU_NEW_MESSAGE_INIT, ADIEU_NEW_MESSAGE_INIT,
                                   ADIEU_NEW_MESSAGE_INIT};
  size_t i;

  for (i = 0; i < 3; i++) {
    messages[i].position = i + 1;
    messages[i].time = 1714550000 + i;
    messages[i].sender = sender;
    messages[i].body = bodies[i];
  }
  accepted(app, call,
           adieu_save_messages(app->client, id, messages, 3, on_success, on_error,
                               line_of(app, call)));
}

static void delete_with_undo(struct app *app) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;

  options.undo_ms = UNDO_MS;
  options.deletion_id = &app->undoable;
  accepted(app, DELETE_BOB,
           adieu_delete_conversation_with_options(app->client, "c2c_bob", &options, on_success,
                                                  on_error, line_of(app, DELETE_BOB)));
}

static void undo(struct app *app) {
  accepted(app, UNDO_BOB,
           adieu_undo_delete(app->client, &app->undoable, on_success, on_error,
                             line_of(app, UNDO_BOB)));
}

static void delete_for_good(struct app *app) {
  accepted(app, DELETE_CAROL,
           adieu_delete_conversation(app->client, "c2c_carol", on_success, on_error,
                                     line_of(app, DELETE_CAROL)));
}

int app_open(struct app *app, adieu_client_options *options, const char *store) {
  adieu_listener listener = ADIEU_LISTENER_INIT;
  char why[256];

  listener.on_event = on_event;
  listener.user_data = app;
  options->store_path = store;
  options->user_id = "alice";
  options->listener = &listener; /* copied by the call */
  if (adieu_client_open(options, &app->client, why, sizeof why) == ADIEU_OK)
    return 0;
  fprintf(stderr, "%s: %s\n", store, why);
  return -1;
}

void app_begin(struct app *app) { save(app, SAVE_BOB, "c2c_bob", "bob"); }

/* ---- what is heard ---- */

static const char *pending_name(uint32_t state) {
  switch (state) {
  case ADIEU_PENDING_UNDOABLE: return "can be undone";
  case ADIEU_PENDING_ASKING: return "the server is asked";
  case ADIEU_PENDING_WAITING: return "waits for the server";
  case ADIEU_PENDING_REFUSED: return "the server refused";
  case ADIEU_PENDING_DONE: return "done";
  case ADIEU_PENDING_CANCELLED: return "undone";
  case ADIEU_PENDING_FAILED: return "failed";
  default: return "something new";
  }
}

static void hear_event(struct app *app, const struct news *news) {
  const char *id = news->conversation_id;

  switch (news->kind) {
  case ADIEU_EVENT_CONVERSATION_NEW:
    printf("  event: %s is in the list, %d messages\n", id, (int)news->messages);
    break;
  case ADIEU_EVENT_CONVERSATION_DELETED:
    printf("  event: %s has left the list\n", id);
    break;
  case ADIEU_EVENT_PENDING_CHANGED:
    printf("  event: the deletion of %s: %s\n", id, pending_name(news->pending));
    /* Here an app shows the button "Undo"; this one's user presses it at once. */
    if (news->pending == ADIEU_PENDING_UNDOABLE)
      undo(app);
    break;
  default: /* kinds that an app does not use, or does not know yet, it passes over */
    break;
  }
}

static void hear_end(struct app *app, const struct news *news) {
  /* The call that asked for a deletion ends when the deletion does: an undone one ends so. */
  int32_t expected = news->call == DELETE_BOB ? ADIEU_ERR_CANCELLED : ADIEU_OK;

  printf("call: %s: %s\n", CALL_NAMES[news->call], adieu_strerror(news->code));
  if (news->code != expected) {
    app->failed = app->is_over = 1;
    return;
  }
  switch (news->call) {
  case SAVE_BOB: save(app, SAVE_CAROL, "c2c_carol", "carol"); break;
  case SAVE_CAROL: delete_with_undo(app); break;
  case UNDO_BOB: delete_for_good(app); break;
  case DELETE_CAROL: app->is_over = 1; break;
  default: break;
  }
}

void app_hear(struct app *app, const struct news *news) {
  if (news->is_event)
    hear_event(app, news);
  else
    hear_end(app, news);
}
