#define _POSIX_C_SOURCE 200809L
#include "life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct totals totals;
uint64_t seed;

/* This thread is within a call that may not call back before it returns. */
static _Thread_local int submitting;

void broken(const char *what) {
  fprintf(stderr, "\nstress: broken with --seed %llu: %s\n", (unsigned long long)seed, what);
  fflush(NULL);
  abort();
}

static void pause_ms(long ms) {
  nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* ---- tickets ---- */

struct ticket *ticket_new(struct life *life, struct chance *chance) {
  struct ticket *ticket = calloc(1, sizeof *ticket);

  if (ticket == NULL)
    broken("no memory for a ticket");
  ticket->life = life;
  ticket->mood = chance_next(chance);
  if (life != NULL) {
    ticket->next = atomic_load(&life->tickets);
    while (!atomic_compare_exchange_weak(&life->tickets, &ticket->next, ticket))
      ;
    atomic_fetch_add(&life->calls, 1);
  }
  return ticket;
}

void ticket_begin(void) { submitting = 1; }

void ticket_end(struct ticket *ticket, int32_t code) {
  submitting = 0;
  if (code == ADIEU_OK) {
    ticket->accepted = 1;
    atomic_fetch_add(&totals.accepted, 1);
    return;
  }
  if (code > 0)
    broken("a call was refused with a positive code");
  if (code == ADIEU_ERR_PANIC)
    broken("a call was refused with ADIEU_ERR_PANIC");
  if (atomic_load(&ticket->called) != 0)
    broken("a refused call has called back");
  if (ticket->has_destructor && atomic_load(&ticket->destroyed) != 1)
    broken("the destructor of a refused call has not run before it returned");
  atomic_fetch_add(&totals.refused, 1);
}

void callback_enter(struct ticket *ticket) {
  struct life *life = ticket->life;

  if (life == NULL)
    broken("a callback came for a call that had to be refused");
  if (submitting)
    broken("a callback came on the stack of a call");
  if (atomic_load(&life->over))
    broken("a callback came after close had returned");
  if (atomic_load(&ticket->destroyed))
    broken("a callback came after its destructor");
  if (atomic_fetch_add(&ticket->called, 1) != 0)
    broken("a call has called back twice");
  if (atomic_fetch_add(&life->inside, 1) != 0)
    broken("two callbacks of one client overlap");
}

void callback_leave(struct ticket *ticket) {
  struct life *life = ticket->life;
  struct chance chance = {ticket->mood};

  switch (chance_below(&chance, 24)) {
  case 0:
  case 1:
    play_in_callback(life, &chance);
    break;
  case 2:
    nanosleep(&(struct timespec){0, (long)chance_below(&chance, 2000000)}, NULL);
    break;
  case 3:
    if (!chance_one_in(&chance, 12))
      break;
    atomic_store(&life->close_next, 1);
    break;
  default:
    break;
  }
  if (atomic_exchange(&life->close_next, 0)) {
    int32_t code = adieu_client_close(life->client);

    /* Somebody may have closed it before; that one waits for this callback. */
    if (code != ADIEU_PENDING)
      broken("adieu_client_close from a callback did not answer ADIEU_PENDING");
    atomic_store(&life->dying, 1);
  }
  if (atomic_fetch_sub(&life->inside, 1) != 1)
    broken("callbacks are counted wrongly");
}

void on_success(void *user_data) {
  callback_enter(user_data);
  atomic_fetch_add(&totals.succeeded, 1);
  callback_leave(user_data);
}

void on_error(void *user_data, int32_t code, const char *desc) {
  callback_enter(user_data);
  if (desc == NULL || strlen(desc) == 0)
    broken("an error has no text");
  switch (code) {
  case ADIEU_OK:
  case ADIEU_ERR_PANIC:
  case ADIEU_ERR_FORKED:
  case ADIEU_ERR_STORE_DAMAGED:
  case ADIEU_ERR_STORE_FAILED:
  case ADIEU_ERR_STORE_IO:
  case ADIEU_ERR_MASTER_KEY:
    fprintf(stderr, "%d: %s\n", (int)code, desc);
    broken("nothing here can have caused that error");
  case ADIEU_PENDING:
  case ADIEU_ERR_CLOSED:
    atomic_fetch_add(&totals.cut_off, 1);
    break;
  default:
    atomic_fetch_add(&totals.failed, 1);
    break;
  }
  callback_leave(user_data);
}

void on_destroy(void *user_data) {
  struct ticket *ticket = user_data;

  if (atomic_fetch_add(&ticket->destroyed, 1) != 0)
    broken("a destructor ran twice");
  atomic_fetch_add(&totals.destroyed, 1);
}

/* ---- the listener ---- */

static void on_event(void *user_data, const adieu_event *event) {
  struct life *life = user_data;
  size_t length = strlen(event->conversation_id) + strlen(event->desc);

  if (atomic_load(&life->over) || atomic_load(&life->listener_destroyed))
    broken("an event came after close had returned, or after its destructor");
  if (atomic_fetch_add(&life->inside, 1) != 0)
    broken("an event overlaps with a callback");
  if (event->conversation != NULL)
    length += strlen(event->conversation->conversation_id) + strlen(event->conversation->draft);
  if (event->conversation != NULL && event->conversation->last_message != NULL)
    length += strlen(event->conversation->last_message->body);
  if (event->pending != NULL)
    length += strlen(event->pending->desc);
  if (length > 1 << 21)
    broken("an event's texts cannot be that long");
  atomic_fetch_add(&totals.events, 1);
  atomic_fetch_sub(&life->inside, 1);
}

static void on_listener_destroy(void *user_data) {
  struct life *life = user_data;

  if (atomic_fetch_add(&life->listener_destroyed, 1) != 0)
    broken("the destructor of a listener ran twice");
}

/* A host may poll at any time: the hook has nothing to do but be callable. */
static void on_post(void *user_data) {
  if (atomic_load(&((struct life *)user_data)->over))
    broken("the post hook was called after close had returned");
}

/* ---- lives ---- */

struct life *life_open(struct account *account, struct chance *chance) {
  struct life *life = calloc(1, sizeof *life);
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  adieu_listener listener = ADIEU_LISTENER_INIT;
  char why[256];
  int32_t code;

  if (life == NULL)
    broken("no memory for a life");
  life->account = account;
  life->by_poll = chance_one_in(chance, 3);
  life->has_listener = !chance_one_in(chance, 4);
  pthread_mutex_init(&life->ids_lock, NULL);
  options.store_path = account->folder;
  options.user_id = account->user;
  options.delivery = life->by_poll ? ADIEU_DELIVER_BY_POLL : ADIEU_DELIVER_ON_LIBRARY_THREAD;
  if (!chance_one_in(chance, 4)) {
    /* Nobody listens there: every question to the server is refused. */
    options.server_url = "http://127.0.0.1:1";
    options.sdk_app_id = 1400000000;
    options.user_sig = chance_one_in(chance, 4) ? NULL : "eJwtest*signature-of_nobody";
    options.live_sync = chance_one_in(chance, 2);
  }
  if (life->by_poll && chance_one_in(chance, 2)) {
    options.post = on_post;
    options.post_data = life;
  }
  if (life->has_listener) {
    listener.on_event = on_event;
    listener.user_data = life;
    listener.user_data_destructor = on_listener_destroy;
    options.listener = &listener;
  }
  if ((code = adieu_client_open(&options, &life->client, why, sizeof why)) != ADIEU_OK) {
    fprintf(stderr, "%d: %s\n", (int)code, why);
    broken("a store that was closed does not open");
  }
  atomic_fetch_add(&totals.lives, 1);
  return life;
}

struct life *life_enter(struct account *account) {
  struct life *life;

  pthread_mutex_lock(&account->lock);
  life = account->life;
  if (life != NULL)
    atomic_fetch_add(&life->users, 1);
  pthread_mutex_unlock(&account->lock);
  return life;
}

void life_leave(struct life *life) { atomic_fetch_sub(&life->users, 1); }

static void on_closed(void *user_data) {
  struct ticket *ticket = user_data;

  callback_enter(ticket);
  atomic_fetch_sub(&ticket->life->inside, 1);
  /* It is the last callback: whatever comes now is one too many. */
  atomic_store(&ticket->life->over, 1);
}

static void close_and_wait(struct life *life) {
  int32_t code = adieu_client_close(life->client);

  /* Stale when a close from a callback has gone all the way. */
  if (code != ADIEU_OK && code != ADIEU_ERR_INVALID_HANDLE)
    broken("adieu_client_close from outside answers neither 0 nor ADIEU_ERR_INVALID_HANDLE");
  if (code == ADIEU_ERR_INVALID_HANDLE && !atomic_load(&life->dying))
    broken("a client was stale before anybody closed it");
}

static void *close_too(void *life) {
  int32_t code = adieu_client_close(((struct life *)life)->client);

  if (code != ADIEU_OK && code != ADIEU_ERR_INVALID_HANDLE)
    broken("a second adieu_client_close answers neither 0 nor ADIEU_ERR_INVALID_HANDLE");
  return NULL;
}

static int close_async(struct life *life, struct chance *chance) {
  struct ticket *ticket = ticket_new(life, chance);
  int32_t code;

  ticket_begin();
  code = adieu_client_close_async(life->client, on_closed, ticket);
  ticket_end(ticket, code);
  if (code != ADIEU_OK)
    return 0;
  while (!atomic_load(&life->over)) {
    if (life->by_poll)
      adieu_client_poll(life->client);
    pause_ms(1);
  }
  atomic_fetch_add(&totals.succeeded, 1);
  return 1;
}

static void close_from_callback(struct life *life, struct chance *chance) {
  struct ticket *ticket = ticket_new(life, chance);
  int32_t code;
  long waited = 0;

  atomic_store(&life->close_next, 1);
  ticket_begin();
  code = adieu_mark_read(life->client, "c2c_u0", 0, on_success, on_error, ticket);
  ticket_end(ticket, code);
  while (code == ADIEU_OK && !atomic_load(&life->dying)) {
    if (life->by_poll)
      adieu_client_poll(life->client);
    pause_ms(1);
    if (++waited > 60000)
      broken("an accepted call does not call back within a minute");
  }
}

static void reckon(struct life *life, int was_async) {
  struct ticket *ticket;

  /* After on_closed, the last callback, it is about to run. */
  while (was_async && life->has_listener && !atomic_load(&life->listener_destroyed))
    pause_ms(1);
  if (atomic_load(&life->listener_destroyed) != life->has_listener)
    broken("the destructor of the listener has not run");
  for (ticket = atomic_load(&life->tickets); ticket != NULL; ticket = ticket->next) {
    if (atomic_load(&ticket->called) != ticket->accepted)
      broken(ticket->accepted ? "an accepted call has never called back"
                              : "a refused call has called back");
    if (atomic_load(&ticket->destroyed) != ticket->has_destructor)
      broken("a destructor has not run");
  }
}

void life_close(struct life *life, struct chance *chance) {
  pthread_t other;
  int closed = 0, closed_async = 0;

  switch (chance_below(chance, 4)) {
  case 0:
    closed = closed_async = close_async(life, chance);
    break;
  case 1:
    close_from_callback(life, chance);
    break;
  case 2:
    if (atomic_load(&life->dying) || pthread_create(&other, NULL, close_too, life) != 0)
      break;
    atomic_store(&life->dying, 1);
    close_and_wait(life);
    pthread_join(other, NULL);
    closed = 1;
    break;
  default:
    break;
  }
  if (!closed)
    close_and_wait(life);
  atomic_store(&life->over, 1);
  /* Calls that raced with the close return at once. */
  while (atomic_load(&life->users) != 0)
    pause_ms(1);
  reckon(life, closed_async);
}

void life_free(struct life *life) {
  struct ticket *ticket = atomic_load(&life->tickets);

  while (ticket != NULL) {
    struct ticket *next = ticket->next;

    free(ticket);
    ticket = next;
  }
  pthread_mutex_destroy(&life->ids_lock);
  free(life);
}
