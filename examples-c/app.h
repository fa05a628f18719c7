/* A small app without a face: the same in library_thread.c, poll_loop.c and post_hook.c, which
 * differ in how the library's callbacks reach it.
 *
 * It saves messages in two conversations, deletes the first with an undo window, undoes that, and
 * deletes the second. Each step follows from what it hears, as in an app with a face; nothing ever
 * waits. It needs no server.
 */
#ifndef APP_H
#define APP_H

#include <adieu.h>

/* The calls that the app makes. */
enum app_call { SAVE_BOB, SAVE_CAROL, DELETE_BOB, UNDO_BOB, DELETE_CAROL, APP_CALLS };

/* What one callback said. A copy, since what a callback is given ends with it: so it can go to
 * another thread. An app copies what it needs and no more. */
struct news {
  int is_event;                  /* else a call has ended */
  enum app_call call;            /* which one */
  int32_t code;                  /* what became of it, or the event's code */
  uint32_t kind;                 /* of the event */
  uint32_t pending;              /* where a pending deletion stands */
  adieu_deletion_id deletion_id; /* of which deletion the event tells */
  uint64_t messages;             /* what the list shows of the conversation */
  char conversation_id[128];
};

struct app {
  adieu_client *client;
  adieu_deletion_id undoable; /* what the button "Undo" stands for */
  int is_over;
  int failed;

  /* How news reach the app: app_hear itself where callbacks run on the app's thread. */
  void (*deliver)(struct app *app, const struct news *news);
  void *way; /* for `deliver` */

  struct app_line { /* the user_data of a call: who asked, and for what */
    struct app *app;
    enum app_call call;
  } lines[APP_CALLS];
};

void app_init(struct app *app, void (*deliver)(struct app *, const struct news *), void *way);

/* Opens the client on the folder `store`. How callbacks are delivered stands in `options` already,
 * the rest is filled in here. Returns 0, or -1 after having said why. */
int app_open(struct app *app, adieu_client_options *options, const char *store);

/* Makes the first call; the others follow from what is heard. */
void app_begin(struct app *app);

/* Takes news and does what comes next. On the app's own thread only: the app has no lock. */
void app_hear(struct app *app, const struct news *news);

#endif
