#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is asked of the library: the first ones answer by callback, the others at once. */
enum deed {
  DELETE,
  DELETE_WITH_OPTIONS,
  DELETE_MANY,
  CLEAR_HISTORY,
  SAVE,
  SAVE_MORE,
  PIN,
  DRAFT,
  MARK,
  MARK_READ,
  LIST,
  HISTORY,
  LIST_PENDING,
  UNDO,
  CANCEL,
  RETRY,
  ACKNOWLEDGE,
  VERIFY,
  PULL,
  SIGN_IN,
  NETWORK,
  RECEIPT,
  UNREAD,
  POLL,
  DEEDS
};

static const char *const CONVERSATIONS[] = {
    "c2c_u0",   "c2c_u1",     "c2c_u2",   "c2c_u3", "group_g0",   "group_g1", "group_g2", "C2Cu0",
    "GROUPg0",  "@TIM#SYSTEM", "c2c_ghost",
    /* These break the rules: they are accepted and answered with an error. */
    "",         "c2c_",        "nothing",  "group_\xff\xfe", "c2c_a name that is far too long for one"};
#define RULE_BREAKERS 5
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *conversation(struct chance *chance) {
  uint32_t all = COUNT(CONVERSATIONS);

  return CONVERSATIONS[chance_below(chance, chance_one_in(chance, 20) ? all : all - RULE_BREAKERS)];
}

/* ---- callbacks with something to read ---- */

static void on_conversations(void *user_data, const adieu_conversation *const *list, size_t count) {
  size_t i, length = 0;

  callback_enter(user_data);
  for (i = 0; i < count; i++) {
    length += strlen(list[i]->conversation_id) + strlen(list[i]->title) + strlen(list[i]->draft);
    if (list[i]->last_message != NULL)
      length += strlen(list[i]->last_message->body);
  }
  if (count > COUNT(CONVERSATIONS) || (count > 0 && length == 0))
    broken("the list shows conversations that nobody made");
  atomic_fetch_add(&totals.succeeded, 1);
  callback_leave(user_data);
}

static void on_messages(void *user_data, const adieu_message *const *messages, size_t count) {
  size_t i;

  callback_enter(user_data);
  for (i = 0; i < count; i++) {
    if (strcmp(messages[i]->sender, "u0") != 0 || strlen(messages[i]->body) == 0)
      broken("the history holds a message that nobody saved");
    if (i > 0 && messages[i]->position >= messages[i - 1]->position)
      broken("the history is not the newest first");
  }
  atomic_fetch_add(&totals.succeeded, 1);
  callback_leave(user_data);
}

static void on_pending(void *user_data, const adieu_pending_deletion *const *pending,
                       size_t count) {
  struct life *life = ((struct ticket *)user_data)->life;
  size_t i;

  callback_enter(user_data);
  for (i = 0; i < count; i++) {
    if (strlen(pending[i]->conversation_id) == 0)
      broken("a pending deletion has no conversation");
    pthread_mutex_lock(&life->ids_lock);
    life->ids[life->ids_count++ % REMEMBERED] = pending[i]->deletion_id;
    pthread_mutex_unlock(&life->ids_lock);
  }
  atomic_fetch_add(&totals.succeeded, 1);
  callback_leave(user_data);
}

static void on_results(void *user_data, const adieu_deletion_result *const *results, size_t count) {
  size_t i;

  callback_enter(user_data);
  for (i = 0; i < count; i++)
    if ((results[i]->code == ADIEU_OK) != (strlen(results[i]->desc) == 0) ||
        results[i]->code == ADIEU_ERR_PANIC)
      broken("a result in a list says two things at once, or speaks of a panic");
  atomic_fetch_add(&totals.succeeded, 1);
  callback_leave(user_data);
}

static void on_verification(void *user_data, const adieu_verification *verification) {
  callback_enter(user_data);
  if (verification->searched + verification->left_out_short + verification->left_out_shared != 1)
    broken("the forensic look has counted its strings wrongly");
  atomic_fetch_add(&totals.succeeded, 1);
  callback_leave(user_data);
}

/* ---- arguments ---- */

static int32_t save(struct life *life, struct chance *chance, struct ticket *ticket) {
  /* Read-only and shared by all threads; the last is longer than a page of the database. */
  static const char *const BODIES[] = {"see you at the lake", "[{\"MsgType\":\"TIMTextElem\"}]",
                                       "\xe5\x9b\x9b\xe7\x82\xb9"};
  adieu_new_message messages[20];
  uint32_t i, count = 1 + chance_below(chance, COUNT(messages));
  uint64_t position = 1 + chance_below(chance, 100000);
  char *body = NULL;
  int32_t code;

  if (chance_one_in(chance, 10) && (body = malloc(9000)) != NULL) {
    memset(body, 'a' + (int)chance_below(chance, 26), 8999);
    body[8999] = '\0';
  }
  for (i = 0; i < count; i++) {
    adieu_new_message message = ADIEU_NEW_MESSAGE_INIT;

    message.position = position;
    message.time = 1700000000 + position;
    message.sender = "u0";
    message.body = body != NULL ? body : BODIES[chance_below(chance, COUNT(BODIES))];
    messages[i] = message;
    position += 1 + chance_below(chance, 3);
  }
  code = adieu_save_messages(life->client, conversation(chance), messages, count, on_success,
                             on_error, ticket);
  free(body);
  return code;
}

static adieu_delete_options some_options(struct ticket *ticket, struct chance *chance) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;

  options.timeout_ms = 1 + chance_below(chance, 3000);
  options.policy = chance_below(chance, 3);
  options.keep_history = chance_one_in(chance, 5);
  options.undo_ms = chance_one_in(chance, 4) ? 1 + chance_below(chance, 300) : 0;
  if (!chance_one_in(chance, 4)) {
    options.user_data_destructor = on_destroy;
    ticket->has_destructor = 1;
  }
  return options;
}

static void remember(struct life *life, adieu_deletion_id id) {
  pthread_mutex_lock(&life->ids_lock);
  life->ids[life->ids_count++ % REMEMBERED] = id;
  pthread_mutex_unlock(&life->ids_lock);
}

static adieu_deletion_id some_id(struct life *life, struct chance *chance) {
  adieu_deletion_id id;

  pthread_mutex_lock(&life->ids_lock);
  id = life->ids[chance_below(chance, REMEMBERED)];
  pthread_mutex_unlock(&life->ids_lock);
  return id;
}

static int32_t delete_one(struct life *life, struct chance *chance, struct ticket *ticket,
                          enum deed deed) {
  adieu_delete_options options = some_options(ticket, chance);
  const char *id = conversation(chance);
  adieu_deletion_id deletion;
  int32_t code;

  options.deletion_id = &deletion;
  if (deed == CLEAR_HISTORY)
    options.keep_history = 0;
  code = deed == CLEAR_HISTORY
             ? adieu_clear_history(life->client, id, &options, on_success, on_error, ticket)
             : adieu_delete_conversation_with_options(life->client, id, &options, on_success,
                                                      on_error, ticket);
  if (code == ADIEU_OK)
    remember(life, deletion);
  return code;
}

static int32_t delete_many(struct life *life, struct chance *chance, struct ticket *ticket) {
  adieu_delete_options options = some_options(ticket, chance);
  const char *ids[8];
  uint32_t i, count = chance_below(chance, COUNT(ids) + 1);

  for (i = 0; i < count; i++)
    ids[i] = chance_one_in(chance, 30) ? NULL : conversation(chance);
  return adieu_delete_conversations(life->client, ids, count, &options, on_results, on_error,
                                    ticket);
}

/* ---- the call ---- */

static int32_t ask(struct life *life, struct chance *chance, struct ticket *ticket,
                   enum deed deed) {
  static const char *const LOOKED_FOR[] = {"see you at the lake"};
  adieu_client *client = life->client;
  const char *id = conversation(chance);
  adieu_deletion_id deletion = some_id(life, chance);

  switch (deed) {
  case DELETE:
    return adieu_delete_conversation(client, id, on_success, on_error, ticket);
  case DELETE_WITH_OPTIONS:
  case CLEAR_HISTORY:
    return delete_one(life, chance, ticket, deed);
  case DELETE_MANY:
    return delete_many(life, chance, ticket);
  case SAVE:
  case SAVE_MORE:
    return save(life, chance, ticket);
  case PIN:
    return adieu_pin_conversation(client, id, (int32_t)chance_below(chance, 2), on_success,
                                  on_error, ticket);
  case DRAFT:
    return adieu_set_draft(client, id, chance_one_in(chance, 3) ? NULL : "I wanted to", on_success,
                           on_error, ticket);
  case MARK:
    return adieu_mark_conversation(client, id, chance_next(chance), chance_next(chance), on_success,
                                   on_error, ticket);
  case MARK_READ:
    return adieu_mark_read(client, id, chance_below(chance, 1000), on_success, on_error, ticket);
  case LIST:
    return adieu_list_conversations(client, on_conversations, on_error, ticket);
  case HISTORY:
    return adieu_get_history(client, id, chance_below(chance, 1000), chance_below(chance, 1002),
                             on_messages, on_error, ticket);
  case LIST_PENDING:
    return adieu_list_pending(client, on_pending, on_error, ticket);
  case UNDO:
    return adieu_undo_delete(client, &deletion, on_success, on_error, ticket);
  case CANCEL:
    return adieu_cancel_deletion(client, &deletion, on_success, on_error, ticket);
  case RETRY:
    return adieu_retry_deletion(client, &deletion, on_success, on_error, ticket);
  case ACKNOWLEDGE:
    return adieu_acknowledge_deletion(client, &deletion, on_success, on_error, ticket);
  case VERIFY:
    return adieu_verify_erased(client, id, LOOKED_FOR, 1, on_verification, on_error, ticket);
  default:
    return adieu_pull(client, on_success, on_error, ticket);
  }
}

/* Functions that answer at once. */
static int32_t tell(struct life *life, struct chance *chance, enum deed deed) {
  adieu_deletion_id deletion = some_id(life, chance);
  adieu_receipt receipt = ADIEU_RECEIPT_INIT;
  uint64_t total;

  switch (deed) {
  case SIGN_IN:
    return adieu_sign_in(life->client, chance_one_in(chance, 4) ? NULL : "eJwtest-another");
  case NETWORK:
    return adieu_network_changed(life->client, (int32_t)chance_below(chance, 2));
  case RECEIPT:
    return adieu_get_receipt(life->client, &deletion, &receipt);
  case UNREAD:
    return adieu_total_unread(life->client, &total);
  default:
    return adieu_client_poll(life->client);
  }
}

int play(struct life *life, struct chance *chance) {
  enum deed deed = (enum deed)chance_below(chance, DEEDS);
  struct ticket *ticket;
  int32_t code;

  if (life->by_poll && chance_one_in(chance, 3))
    deed = POLL;
  /* It reads the whole store. */
  if (deed == VERIFY && !chance_one_in(chance, 10))
    deed = LIST;
  if (deed >= SIGN_IN) {
    if (tell(life, chance, deed) == ADIEU_ERR_PANIC)
      broken("a function answers ADIEU_ERR_PANIC");
    return 1;
  }
  ticket = ticket_new(life, chance);
  ticket_begin();
  code = ask(life, chance, ticket, deed);
  ticket_end(ticket, code);
  if (code != ADIEU_OK && code != ADIEU_ERR_CLOSED && code != ADIEU_ERR_INVALID_HANDLE)
    broken("a call was refused with another code than those of a client that closes");
  return code == ADIEU_OK;
}

void play_stale(struct life *life, struct chance *chance) {
  enum deed deed = (enum deed)chance_below(chance, SIGN_IN);
  /* Never called: on its stack is no place for it, so that it stays until the end. */
  struct ticket *ticket = ticket_new(NULL, chance);
  int32_t code;

  ticket_begin();
  code = ask(life, chance, ticket, deed);
  ticket_end(ticket, code);
  if (code != ADIEU_ERR_INVALID_HANDLE)
    broken("a stale handle was not refused with ADIEU_ERR_INVALID_HANDLE");
  atomic_fetch_add(&totals.stale, 1);
  free(ticket);
}

void play_in_callback(struct life *life, struct chance *chance) { play(life, chance); }
