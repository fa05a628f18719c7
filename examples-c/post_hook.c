/* Callbacks on your own thread, from your own event loop: for a program that sleeps until
 * something happens.
 *
 *   post_hook STORE          STORE is an empty folder
 *
 * Copy this where an event loop runs. The library calls `post`, on a thread of its own, when there
 * is something to poll for; `post` wakes the loop, and the loop calls adieu_client_poll. Here the
 * loop is poll(2) and the wake-up a byte in a pipe. Elsewhere only `post` is another one:
 *
 *   Linux         write(eventfd, &one, sizeof one) instead of the pipe
 *   Win32         PostMessage(window, WM_APP_ADIEU, 0, 0), and poll in the window procedure
 *   macOS, iOS    dispatch_async_f(dispatch_get_main_queue(), client, poll_it)
 *   libuv         uv_async_send(&async), and poll in its callback
 *   GLib, Qt      g_idle_add(poll_it, client); QMetaObject::invokeMethod(..., QueuedConnection)
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "app.h"

/* The loop looks at least so often, so that a wake-up that got lost is made up for: PostMessage,
 * for one, fails when its queue is full. */
#define AT_LEAST_EVERY_MS 1000

/* On any thread of the library. It wakes the loop, and does nothing else: it must return quickly.
 * Wake-ups are coalesced by the library; a pipe that is full holds one already. */
static void post(void *post_data) {
  const int *wake = post_data;
  ssize_t written;

  do
    written = write(wake[1], "", 1);
  while (written < 0 && errno == EINTR);
}

static int make_wake(int wake[2]) {
  int i;

  if (pipe(wake) != 0)
    return -1;
  for (i = 0; i < 2; i++) {
    /* Neither end may ever wait: not the library's thread, and not the loop. */
    if (fcntl(wake[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(wake[i], F_SETFD, FD_CLOEXEC) != 0)
      return -1;
  }
  return 0;
}

static void empty(int fd) {
  char bytes[64];

  while (read(fd, bytes, sizeof bytes) > 0)
    ;
}

int main(int argc, char **argv) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  struct app app;
  int wake[2];

  if (argc != 2)
    return fprintf(stderr, "usage: post_hook STORE\n"), 2;
  if (make_wake(wake) != 0)
    return perror("pipe"), 1;
  app_init(&app, app_hear, NULL); /* callbacks run on this thread */
  options.delivery = ADIEU_DELIVER_BY_POLL;
  options.post = post;
  options.post_data = wake;
  if (app_open(&app, &options, argv[1]) != 0)
    return 1;

  app_begin(&app);
  while (!app.is_over) {
    /* Beside what the app waits for: sockets, a timer, the window system. */
    struct pollfd sources[] = {{wake[0], POLLIN, 0}};

    if (poll(sources, 1, AT_LEAST_EVERY_MS) < 0 && errno != EINTR)
      return perror("poll"), 1;
    /* First empty the pipe, then deliver: a wake-up that comes meanwhile is not lost. */
    if (sources[0].revents & POLLIN)
      empty(wake[0]);
    adieu_client_poll(app.client);
  }
  /* Delivers what is left, on this thread. `post` is not called afterwards, so that the pipe can
   * go, but not before. */
  adieu_client_close(app.client);
  close(wake[0]);
  close(wake[1]);
  puts("closed");
  return app.failed;
}
