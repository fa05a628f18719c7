/* Mistakes that an app can make, one each run: a sanitizer that says nothing of them is off, and
 * its silence about everything else is worth nothing.
 *
 *   faults use-after-free|leak|race|overflow|gone-options FOLDER
 *
 * The last one is read by the library alone: who notices that watches the library too.
 *
 * Ends with 0 where nobody has noticed. */
#define _POSIX_C_SOURCE 200809L
#include <adieu.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct app {
  atomic_int answered;
  int count; /* the race: written by the callback, read by main, and nothing between them */
  const char *kept; /* the use after free: the library's text, kept beyond the callback */
};

static void on_error(void *user_data, int32_t code, const char *desc) {
  struct app *app = user_data;

  (void)code;
  app->kept = desc;
  app->count++;
  atomic_store_explicit(&app->answered, 1, memory_order_relaxed);
}

static void on_success(void *user_data) { on_error(user_data, ADIEU_OK, ""); }

/* The text is an error's, and so the library's. */
static void ask(adieu_client *client, struct app *app) {
  if (adieu_delete_conversation(client, "not an id", on_success, on_error, app) != ADIEU_OK)
    exit(2);
  while (!atomic_load_explicit(&app->answered, memory_order_relaxed))
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

int main(int argc, char **argv) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  struct app *app = calloc(1, sizeof *app);
  adieu_client *client;
  volatile int most = INT_MAX;
  int fine = 0;

  if (argc != 3 || app == NULL)
    return 2;
  options.store_path = argv[2];
  options.user_id = "alice";
  if (adieu_client_open(&options, &client, NULL, 0) != ADIEU_OK)
    return 2;
  ask(client, app);
  if (strcmp(argv[1], "race") == 0)
    fine = app->count;
  if (strcmp(argv[1], "gone-options") == 0) {
    adieu_delete_options *gone = calloc(1, sizeof *gone);

    free(gone);
    fine = (int)adieu_delete_conversation_with_options(client, "c2c_bob", gone, on_success,
                                                       on_error, app);
  }
  adieu_client_close(client);
  if (strcmp(argv[1], "use-after-free") == 0)
    fine = (int)strlen(app->kept);
  if (strcmp(argv[1], "overflow") == 0)
    fine = most + argc;
  if (strcmp(argv[1], "leak") != 0)
    free(app);
  app = NULL;
  printf("nobody has noticed: %d\n", fine);
  return 0;
}
