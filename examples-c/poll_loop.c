/* Callbacks on your own thread, from your own loop: for a game, or whatever else draws frames.
 *
 *   poll_loop STORE          STORE is an empty folder
 *
 * Copy this where a loop turns anyway. The library never calls you from a thread of its own, so
 * there is nothing to lock: callbacks run inside adieu_client_poll.
 */
#define _POSIX_C_SOURCE 199309L /* nanosleep */
#include <stdio.h>
#include <time.h>

#include "app.h"

/* What the loop is there for. Here it only lets time pass: 60 frames a second. */
static void draw_frame(void) { nanosleep(&(struct timespec){0, 16666667}, NULL); }

int main(int argc, char **argv) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  struct app app;

  if (argc != 2)
    return fprintf(stderr, "usage: poll_loop STORE\n"), 2;
  /* Callbacks run on this thread, so the app can hear at once. */
  app_init(&app, app_hear, NULL);
  options.delivery = ADIEU_DELIVER_BY_POLL;
  if (app_open(&app, &options, argv[1]) != 0)
    return 1;

  app_begin(&app);
  while (!app.is_over) {
    adieu_client_poll(app.client); /* returns at once when there is nothing */
    draw_frame();
  }
  /* Delivers what is left, on this thread; afterwards nothing calls any more. */
  adieu_client_close(app.client);
  puts("closed");
  return app.failed;
}
