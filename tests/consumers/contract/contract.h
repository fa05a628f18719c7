/* The contract (docs/contract.md) as a C program sees it: checks on a device, without anything but
 * adieu.h, so that they run wherever the library does. The comment above a CHECK names the
 * sentences that it tries. */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <adieu.h>
#include <stddef.h>

/* One check; each has its own empty store. */
struct check {
  const char *name;
  void (*run)(void);
};

#define CHECK(name) static void name(void)
#define ENTRY(name) {#name, name}
#define END {NULL, NULL}

extern const struct check calls[], deleting[], failing[], boundary[], killed[], served[];

/* Says where it does not hold; the check goes on and has failed. */
#define EXPECT(holds) expect((holds) != 0, #holds, __FILE__, __LINE__)
#define EXPECT_CODE(given, wanted) expect_code(given, wanted, #given, __FILE__, __LINE__)
int expect(int holds, const char *what, const char *file, int line);
void expect_code(int32_t given, int32_t wanted, const char *what, const char *file, int line);

/* ---- the system ---- */

/* The running check's own folder, in UTF-8 and with letters that no code page of Windows has all
 * of; made where it is not there. */
const char *folder(const char *name);
void pause_ms(unsigned ms);
/* Ends this process as a power button ends an app: nothing of its own runs any more. */
void kill_this_process(void);
/* An unequal number for every thread that is alive. */
uintptr_t this_thread(void);

/* ---- a call and what came of it ---- */

struct outcome {
  volatile int callbacks; /* how many came */
  volatile int destroyed; /* how often the destructor ran */
  int callbacks_at_destruction;
  int32_t code;     /* of the last callback */
  uintptr_t thread; /* that it came on */
  int number;       /* which callback of the process it was, from 1 */
  size_t count;     /* of conversations, messages, pending deletions or results */
  adieu_deletion_id deletion_id; /* of the first pending deletion */
  uint32_t state, erased;
  adieu_verification looked;
  int32_t codes[4]; /* of results */
};

void on_success(void *outcome);
void on_error(void *outcome, int32_t code, const char *desc);
void on_results(void *outcome, const adieu_deletion_result *const *results, size_t count);
void on_list(void *outcome, const adieu_conversation *const *list, size_t count);
void on_messages(void *outcome, const adieu_message *const *messages, size_t count);
void on_pending(void *outcome, const adieu_pending_deletion *const *pending, size_t count);
void on_verification(void *outcome, const adieu_verification *verification);
void destroy(void *outcome);

/* Polls, for half a minute at most, until `outcome` has a callback; then it is ready for the next
 * one. Returns what the call returned or ended with. */
int32_t wait_for(adieu_client *client, struct outcome *outcome, int32_t accepted);
/* Waits, for half a minute at most, until another thread has made a count so high. */
int reaches(volatile int *count, int wanted);

/* ---- a device ---- */

/* alice, without a server, who polls. */
adieu_client_options device(const char *store);
/* Opens it; ends the program where that fails. */
adieu_client *open_as(const adieu_client_options *options);
adieu_client *open_device(const char *store);

/* Each waits for its end and returns its code. */
int32_t save(adieu_client *client, const char *id, uint64_t position, const char *body);
int32_t delete_as(adieu_client *client, const char *id, const adieu_delete_options *options);
int32_t clear(adieu_client *client, const char *id);
int32_t set_draft(adieu_client *client, const char *id, const char *draft);

/* What the list shows of a conversation. */
struct line {
  int listed;
  uint64_t messages, unread, marks;
  uint32_t pinned;
  char draft[64];
};
struct line line_of(adieu_client *client, const char *id);
size_t conversations(adieu_client *client);
size_t messages(adieu_client *client, const char *id);
/* Messages of all conversations that are unread. */
uint64_t unread(adieu_client *client);
/* How many deletions are pending; the first one's fields are in `first`. */
size_t pending(adieu_client *client, struct outcome *first);
/* Whether nothing of the conversation is left in the store's files. */
int is_erased(adieu_client *client, const char *id, const char *const *texts, size_t count);

#endif
