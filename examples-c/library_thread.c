/* Callbacks on a thread of the library, handed over to the app's own: the default.
 *
 *   library_thread STORE          STORE is an empty folder
 *
 * Copy this where threads are at home: services, command line tools, an app whose main thread has
 * an inbox already. A callback runs while your threads run. It copies what it needs into the
 * inbox, wakes whoever waits, and returns: the next callback of this client waits for it.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "app.h"

struct letter {
  struct news news;
  struct letter *next;
};

/* From the library's thread to the app's, in the order in which things happened. */
struct inbox {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  struct letter *first, **end; /* `end` is where the next one goes */
};

static void inbox_init(struct inbox *inbox) {
  pthread_mutex_init(&inbox->lock, NULL);
  pthread_cond_init(&inbox->filled, NULL);
  inbox->first = NULL;
  inbox->end = &inbox->first;
}

/* On the library's thread. It touches the inbox, under its lock, and nothing else of the app: even
 * app->client may not be set yet, since events can come before adieu_client_open has returned. */
static void put(struct app *app, const struct news *news) {
  struct inbox *inbox = app->way;
  struct letter *letter = malloc(sizeof *letter);

  if (letter == NULL)
    abort(); /* an outcome that nobody hears of would leave the app waiting for ever */
  letter->news = *news;
  letter->next = NULL;
  pthread_mutex_lock(&inbox->lock);
  *inbox->end = letter;
  inbox->end = &letter->next;
  pthread_cond_signal(&inbox->filled);
  pthread_mutex_unlock(&inbox->lock);
}

/* On the app's thread: takes the oldest letter. Where there is none it waits, or gives NULL. */
static struct letter *take(struct inbox *inbox, int wait) {
  struct letter *letter;

  pthread_mutex_lock(&inbox->lock);
  while (wait && inbox->first == NULL)
    pthread_cond_wait(&inbox->filled, &inbox->lock);
  letter = inbox->first;
  if (letter != NULL && (inbox->first = letter->next) == NULL)
    inbox->end = &inbox->first;
  pthread_mutex_unlock(&inbox->lock);
  return letter;
}

/* The lock is free here: the app may take its time, and make calls. */
static void read_letter(struct app *app, struct letter *letter) {
  app_hear(app, &letter->news);
  free(letter);
}

int main(int argc, char **argv) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  struct inbox inbox;
  struct app app;
  struct letter *letter;

  if (argc != 2)
    return fprintf(stderr, "usage: library_thread STORE\n"), 2;
  inbox_init(&inbox);
  app_init(&app, put, &inbox);
  options.delivery = ADIEU_DELIVER_ON_LIBRARY_THREAD;
  if (app_open(&app, &options, argv[1]) != 0)
    return 1;

  app_begin(&app);
  while (!app.is_over)
    read_letter(&app, take(&inbox, 1));
  /* Returns when the last callback has: from here on the inbox belongs to this thread alone. */
  adieu_client_close(app.client);
  while ((letter = take(&inbox, 0)) != NULL)
    read_letter(&app, letter);
  pthread_cond_destroy(&inbox.filled);
  pthread_mutex_destroy(&inbox.lock);
  puts("closed");
  return app.failed;
}
