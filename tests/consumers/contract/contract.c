/* Runs the checks.
 *
 *   contract FOLDER            all of them; FOLDER is empty
 *   contract FOLDER accept     accepts deletions and kills itself
 *   contract FOLDER killed     looks at what became of those
 *   contract FOLDER served     over TLS, with the server of the environment
 *
 * Says a line for each check: "ok NAME", or where it failed and "FAILED NAME". */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is waited for comes in milliseconds; this is for when something is broken. */
#define AT_MOST_MS 30000

void accept_and_be_killed(void);
void make_folder(const char *path);

static const char *top, *running;
static int failures, callbacks;

int expect(int holds, const char *what, const char *file, int line) {
  if (!holds) {
    failures++;
    printf("%s:%d: not so: %s\n", file, line, what);
  }
  return holds;
}

void expect_code(int32_t given, int32_t wanted, const char *what, const char *file, int line) {
  if (given != wanted) {
    failures++;
    printf("%s:%d: %s is %d (%s), not %d\n", file, line, what, (int)given, adieu_strerror(given),
           (int)wanted);
  }
}

const char *folder(const char *name) {
  static char path[2][1024];
  static int turn;
  char *it = path[turn = !turn];

  snprintf(it, sizeof path[0], "%s/%s \xe5\xb0\x8f\xe6\x98\x8e \xc3\xa9\xd0\xb6 %s", top, running,
           name);
  make_folder(it);
  return it;
}

/* ---- callbacks ---- */

static void ended(struct outcome *outcome, int32_t code) {
  outcome->code = code;
  outcome->thread = this_thread();
  outcome->number = ++callbacks;
  outcome->callbacks++;
}

void on_success(void *outcome) { ended(outcome, ADIEU_OK); }

void on_error(void *outcome, int32_t code, const char *desc) {
  EXPECT(desc != NULL && desc[0] != '\0');
  ended(outcome, code);
}

void on_results(void *outcome, const adieu_deletion_result *const *results, size_t count) {
  struct outcome *it = outcome;
  size_t at;

  for (at = 0; at < count && at < sizeof it->codes / sizeof *it->codes; at++)
    it->codes[at] = results[at]->code;
  it->count = count;
  ended(it, ADIEU_OK);
}

void on_list(void *outcome, const adieu_conversation *const *list, size_t count) {
  (void)list;
  ((struct outcome *)outcome)->count = count;
  ended(outcome, ADIEU_OK);
}

void on_messages(void *outcome, const adieu_message *const *messages, size_t count) {
  (void)messages;
  ((struct outcome *)outcome)->count = count;
  ended(outcome, ADIEU_OK);
}

void on_pending(void *outcome, const adieu_pending_deletion *const *pending, size_t count) {
  struct outcome *it = outcome;

  it->count = count;
  if (count > 0) {
    it->deletion_id = pending[0]->deletion_id;
    it->state = pending[0]->state;
    it->erased = pending[0]->erased;
  }
  ended(it, ADIEU_OK);
}

void on_verification(void *outcome, const adieu_verification *verification) {
  /* Field by field: the library's struct may be longer than this header's. */
  struct outcome *it = outcome;

  it->looked.searched = verification->searched;
  it->looked.found = verification->found;
  it->looked.readable_records = verification->readable_records;
  it->looked.bytes = verification->bytes;
  ended(it, ADIEU_OK);
}

void destroy(void *outcome) {
  struct outcome *it = outcome;

  it->callbacks_at_destruction = it->callbacks;
  it->destroyed++;
}

int32_t wait_for(adieu_client *client, struct outcome *outcome, int32_t accepted) {
  unsigned waited;

  if (accepted != ADIEU_OK)
    return accepted;
  for (waited = 0; outcome->callbacks == 0 && waited < AT_MOST_MS; waited++)
    if (adieu_client_poll(client) <= 0)
      pause_ms(1);
  if (outcome->callbacks == 0) { /* it may still come, to a struct that is gone */
    printf("no callback came\nFAILED %s\n", running);
    exit(1);
  }
  outcome->callbacks = 0;
  return outcome->code;
}

int reaches(volatile int *count, int wanted) {
  unsigned waited;

  for (waited = 0; *count < wanted && waited < AT_MOST_MS; waited++)
    pause_ms(1);
  return *count >= wanted;
}

/* ---- a device ---- */

adieu_client_options device(const char *store) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;

  options.delivery = ADIEU_DELIVER_BY_POLL;
  options.store_path = store;
  options.user_id = "alice";
  return options;
}

adieu_client *open_as(const adieu_client_options *options) {
  adieu_client *client;
  char why[256];

  if (adieu_client_open(options, &client, why, sizeof why) == ADIEU_OK)
    return client;
  printf("%s\nFAILED %s\n", why, running);
  exit(1);
}

adieu_client *open_device(const char *store) {
  adieu_client_options options = device(store);

  return open_as(&options);
}

int32_t save(adieu_client *client, const char *id, uint64_t position, const char *body) {
  adieu_new_message message = ADIEU_NEW_MESSAGE_INIT;
  struct outcome outcome = {0};

  message.position = position;
  message.time = 1714550000 + position;
  message.sender = "bob";
  message.body = body;
  return wait_for(client, &outcome,
                  adieu_save_messages(client, id, &message, 1, on_success, on_error, &outcome));
}

int32_t delete_as(adieu_client *client, const char *id, const adieu_delete_options *options) {
  struct outcome outcome = {0};

  return wait_for(client, &outcome,
                  adieu_delete_conversation_with_options(client, id, options, on_success, on_error,
                                                         &outcome));
}

int32_t clear(adieu_client *client, const char *id) {
  struct outcome outcome = {0};

  return wait_for(client, &outcome,
                  adieu_clear_history(client, id, NULL, on_success, on_error, &outcome));
}

int32_t set_draft(adieu_client *client, const char *id, const char *draft) {
  struct outcome outcome = {0};

  return wait_for(client, &outcome,
                  adieu_set_draft(client, id, draft, on_success, on_error, &outcome));
}

/* What is looked for in the list. */
struct search {
  struct outcome outcome;
  const char *id;
  struct line line;
};

static void on_search(void *user_data, const adieu_conversation *const *list, size_t count) {
  struct search *search = user_data;
  size_t at;

  for (at = 0; at < count; at++)
    if (strcmp(list[at]->conversation_id, search->id) == 0) {
      search->line.listed = 1;
      search->line.messages = list[at]->message_count;
      search->line.unread = list[at]->unread_count;
      search->line.marks = list[at]->marks;
      search->line.pinned = list[at]->pinned;
      snprintf(search->line.draft, sizeof search->line.draft, "%s", list[at]->draft);
    }
  ended(&search->outcome, ADIEU_OK);
}

struct line line_of(adieu_client *client, const char *id) {
  struct search search;

  memset(&search, 0, sizeof search);
  search.id = id;
  EXPECT_CODE(wait_for(client, &search.outcome,
                       adieu_list_conversations(client, on_search, on_error, &search)),
              ADIEU_OK);
  return search.line;
}

size_t conversations(adieu_client *client) {
  struct outcome outcome = {0};

  EXPECT_CODE(wait_for(client, &outcome,
                       adieu_list_conversations(client, on_list, on_error, &outcome)),
              ADIEU_OK);
  return outcome.count;
}

size_t messages(adieu_client *client, const char *id) {
  struct outcome outcome = {0};

  EXPECT_CODE(wait_for(client, &outcome,
                       adieu_get_history(client, id, 0, 100, on_messages, on_error, &outcome)),
              ADIEU_OK);
  return outcome.count;
}

uint64_t unread(adieu_client *client) {
  uint64_t total = ~(uint64_t)0;

  EXPECT_CODE(adieu_total_unread(client, &total), ADIEU_OK);
  return total;
}

size_t pending(adieu_client *client, struct outcome *first) {
  struct outcome outcome = {0};

  EXPECT_CODE(wait_for(client, &outcome, adieu_list_pending(client, on_pending, on_error, &outcome)),
              ADIEU_OK);
  if (first != NULL)
    *first = outcome;
  return outcome.count;
}

int is_erased(adieu_client *client, const char *id, const char *const *texts, size_t count) {
  struct outcome outcome = {0};

  EXPECT_CODE(wait_for(client, &outcome,
                       adieu_verify_erased(client, id, texts, count, on_verification, on_error,
                                           &outcome)),
              ADIEU_OK);
  /* It has looked for all of them, in files that are not empty. */
  return outcome.looked.searched == count && outcome.looked.bytes > 0 &&
         outcome.looked.found == 0 && outcome.looked.readable_records == 0;
}

/* ---- the program ---- */

static int run(const struct check *checks) {
  int failed = 0;

  for (; checks->run != NULL; checks++) {
    failures = 0;
    running = checks->name;
    checks->run();
    printf("%s %s\n", failures == 0 ? "ok" : "FAILED", running);
    fflush(stdout);
    failed += failures != 0;
  }
  return failed;
}

int main(int argc, char **argv) {
  const char *what = argc == 3 ? argv[2] : "";

  if (argc != 2 && argc != 3)
    return fprintf(stderr, "usage: contract FOLDER [accept|killed|served]\n"), 2;
  top = argv[1];
  if (strcmp(what, "accept") == 0) {
    running = killed->name;
    accept_and_be_killed();
  }
  if (strcmp(what, "killed") == 0)
    return run(killed) != 0;
  if (strcmp(what, "served") == 0)
    return run(served) != 0;
  return run(calls) + run(deleting) + run(failing) + run(boundary) != 0;
}
