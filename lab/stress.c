/* Many threads make calls by chance on a few accounts, while their clients are closed and opened
 * again under them, and each promise about callbacks is checked: exactly one for each accepted
 * call, none for a refused one, none after close has returned, never two at once, never on the
 * caller's stack, each destructor once. There is no server: what goes there is refused.
 *
 *   stress [--seconds N] [--seed S] [--threads T] FOLDER
 *
 * FOLDER exists and is empty. The seed decides what every thread does; how their steps fall between
 * each other is the system's. Ends with 0, or with a line that says what was broken. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "life.h"
#include "play.h"

#define ACCOUNTS 3
#define MOST_THREADS 64
/* A life with so many calls is closed, at the latest. */
#define MOST_CALLS 3000
/* Something hangs when it takes so much longer than it should. */
#define PATIENCE_S 300

static struct account accounts[ACCOUNTS];
static atomic_int stopped;

/* Closes and opens, where nobody else does at this moment. */
static void turn(struct account *account, struct chance *chance) {
  struct life *life = NULL, *old = NULL;

  pthread_mutex_lock(&account->lock);
  if (!account->in_turn) {
    account->in_turn = 1;
    life = account->life;
  }
  pthread_mutex_unlock(&account->lock);
  if (life == NULL)
    return;
  life_close(life, chance);
  life = life_open(account, chance);
  pthread_mutex_lock(&account->lock);
  old = account->buried[account->burials % 8];
  account->buried[account->burials++ % 8] = account->life;
  account->life = life;
  account->in_turn = 0;
  pthread_mutex_unlock(&account->lock);
  if (old != NULL)
    life_free(old);
}

static void use_stale(struct account *account, struct chance *chance) {
  struct life *life;

  /* Under the lock, so that it is not freed meanwhile: the call returns at once. */
  pthread_mutex_lock(&account->lock);
  life = account->buried[chance_below(chance, 8)];
  if (life != NULL)
    play_stale(life, chance);
  pthread_mutex_unlock(&account->lock);
}

static void *player(void *argument) {
  struct chance chance = {seed + 1000003u * (uint64_t)(uintptr_t)argument};

  while (!atomic_load(&stopped)) {
    struct account *account = &accounts[chance_below(&chance, ACCOUNTS)];
    struct life *life;
    int taken;

    if (chance_one_in(&chance, 50))
      use_stale(account, &chance);
    if ((life = life_enter(account)) == NULL)
      broken("an account has no life");
    taken = play(life, &chance);
    if (chance_one_in(&chance, 400) || atomic_load(&life->dying) ||
        atomic_load(&life->calls) > MOST_CALLS) {
      life_leave(life);
      turn(account, &chance);
    } else {
      life_leave(life);
    }
    /* So that queues run empty now and then, and a close is not only watched. */
    if (!taken || chance_one_in(&chance, 8))
      nanosleep(&(struct timespec){0, (long)chance_below(&chance, 1000000)}, NULL);
  }
  return NULL;
}

static void finish(struct account *account, struct chance *chance) {
  unsigned i;

  life_close(account->life, chance);
  life_free(account->life);
  for (i = 0; i < 8; i++)
    if (account->buried[i] != NULL)
      life_free(account->buried[i]);
  pthread_mutex_destroy(&account->lock);
}

static int usage(void) {
  fputs("stress [--seconds N] [--seed S] [--threads T] FOLDER\n", stderr);
  return 2;
}

int main(int argc, char **argv) {
  unsigned long seconds = 10, threads = 8, i;
  pthread_t players[MOST_THREADS];
  struct chance chance;
  int at = 1;

  seed = (uint64_t)time(NULL);
  for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
    if (strcmp(argv[at], "--seconds") == 0)
      seconds = strtoul(argv[at + 1], NULL, 10);
    else if (strcmp(argv[at], "--seed") == 0)
      seed = strtoull(argv[at + 1], NULL, 10);
    else if (strcmp(argv[at], "--threads") == 0)
      threads = strtoul(argv[at + 1], NULL, 10);
    else
      return usage();
  }
  if (at + 1 != argc || seconds == 0 || threads == 0 || threads > MOST_THREADS)
    return usage();
  fprintf(stderr, "stress: --seed %llu --threads %lu --seconds %lu\n", (unsigned long long)seed,
          threads, seconds);
  /* SIGALRM ends a program that hangs. */
  alarm((unsigned)seconds + PATIENCE_S);

  chance.state = seed;
  for (i = 0; i < ACCOUNTS; i++) {
    snprintf(accounts[i].folder, sizeof accounts[i].folder, "%s/%lu", argv[at], i);
    snprintf(accounts[i].user, sizeof accounts[i].user, "u%lu", i);
    pthread_mutex_init(&accounts[i].lock, NULL);
    if (mkdir(accounts[i].folder, 0700) != 0)
      return perror(accounts[i].folder), 2;
    accounts[i].life = life_open(&accounts[i], &chance);
  }
  for (i = 0; i < threads; i++)
    if (pthread_create(&players[i], NULL, player, (void *)(uintptr_t)(i + 1)) != 0)
      return perror("pthread_create"), 2;
  sleep((unsigned)seconds);
  atomic_store(&stopped, 1);
  for (i = 0; i < threads; i++)
    pthread_join(players[i], NULL);
  for (i = 0; i < ACCOUNTS; i++)
    finish(&accounts[i], &chance);
  if (totals.accepted != totals.succeeded + totals.failed + totals.cut_off)
    broken("accepted calls and callbacks do not add up");
  printf("%llu lives; %llu calls accepted: %llu succeeded, %llu failed, %llu cut off by close; "
         "%llu refused (%llu of them stale); %llu destructors, %llu events\n",
         totals.lives, totals.accepted, totals.succeeded, totals.failed, totals.cut_off,
         totals.refused, totals.stale, totals.destroyed, totals.events);
  return 0;
}
