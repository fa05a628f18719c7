/* One life of a client, from open to close, and the calls that were made in it: what was promised
 * of each is checked while it lives and reckoned up when it is over. */
#ifndef LIFE_H
#define LIFE_H

#include <adieu.h>
#include <pthread.h>
#include <stdatomic.h>

#include "chance.h"

/* Ids of deletions that are remembered, for undoing, cancelling and the like. */
#define REMEMBERED 16

struct life;

/* One call: its address is the call's user_data. */
struct ticket {
  struct life *life;
  struct ticket *next;
  atomic_int called;
  atomic_int destroyed;
  int has_destructor;
  int accepted;
  uint64_t mood; /* decides what its callback does */
};

struct life {
  adieu_client *client;
  struct account *account;
  int by_poll;
  int has_listener;
  atomic_int users;     /* threads that may be within a call */
  atomic_int inside;    /* callbacks under way: never more than one */
  atomic_int over;      /* close has returned: no callback comes any more */
  atomic_int dying;     /* a callback has closed it */
  atomic_int close_next; /* the next callback shall close it */
  atomic_int listener_destroyed;
  atomic_int calls;
  _Atomic(struct ticket *) tickets;
  pthread_mutex_t ids_lock;
  adieu_deletion_id ids[REMEMBERED];
  unsigned ids_count;
};

/* A store, and the life of the client that has it open. */
struct account {
  char folder[512];
  char user[16];
  pthread_mutex_t lock;
  struct life *life;
  int in_turn; /* somebody is closing and opening it */
  struct life *buried[8];
  unsigned burials;
};

/* What happened, in all lives. */
struct totals {
  atomic_ullong lives, accepted, refused, stale, succeeded, failed, cut_off, events, destroyed;
};
extern struct totals totals;

/* Says what is wrong, with the seed, and ends the program. */
_Noreturn void broken(const char *what);
extern uint64_t seed;

/* Opens the account's client in one of many ways. */
struct life *life_open(struct account *account, struct chance *chance);

/* Takes and lets go of an account's life, for calls. */
struct life *life_enter(struct account *account);
void life_leave(struct life *life);

/* Closes a life in one of many ways, and reckons: each accepted call has had one callback and each
 * refused one none, and each destructor has run once. */
void life_close(struct life *life, struct chance *chance);

/* Frees it; from then on, a sanitizer sees who still uses it. */
void life_free(struct life *life);

/* A ticket for a call. The life may be NULL: for a call that has to be refused. */
struct ticket *ticket_new(struct life *life, struct chance *chance);
/* Around the call itself: no callback may come on this thread in between. */
void ticket_begin(void);
void ticket_end(struct ticket *ticket, int32_t code);

/* Every callback begins and ends with these. */
void callback_enter(struct ticket *ticket);
void callback_leave(struct ticket *ticket);

/* Callbacks of the ordinary kinds. */
void on_success(void *ticket);
void on_error(void *ticket, int32_t code, const char *desc);
void on_destroy(void *ticket);

/* What a callback does besides; in play.c. */
void play_in_callback(struct life *life, struct chance *chance);

#endif
