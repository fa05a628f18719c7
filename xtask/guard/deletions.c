/* Deletes on a device, and counts what that asks of the processor or of the system.
 *
 *   deletions instructions STORE            under callgrind: one part of its output for each step
 *   deletions calls STORE URL USER APP_ID   one line for each count, with the UserSig in ADIEU_USER_SIG
 *
 * The functions of the C library that write, flush and send are defined here: the program's own
 * definitions come before the C library's, so that those of libadieu are counted.
 */
#define _GNU_SOURCE
#include "call.h"

#include <adieu.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

enum { FLUSHES, WRITES, SENDS, KINDS };
enum { SINGLE = 5, MESSAGES = 20, TRIES = 5 };

static const char *const names[KINDS] = {"flushes", "writes", "sends"};
static atomic_long counts[KINDS];

static void count_on(int file, int kind) {
  struct stat what;
  if (kind == WRITES && fstat(file, &what) == 0 && S_ISSOCK(what.st_mode))
    kind = SENDS;
  atomic_fetch_add(&counts[kind], 1);
}

#define COUNTED(type, name, kind, file, parameters, arguments) \
  type name parameters {                                       \
    static type(*real) parameters;                             \
    if (!real)                                                 \
      *(void **)&real = dlsym(RTLD_NEXT, #name);               \
    count_on(file, kind);                                      \
    return real arguments;                                     \
  }

COUNTED(int, fsync, FLUSHES, file, (int file), (file))
COUNTED(int, fdatasync, FLUSHES, file, (int file), (file))
COUNTED(ssize_t, write, WRITES, file, (int file, const void *from, size_t size), (file, from, size))
COUNTED(ssize_t, pwrite, WRITES, file, (int file, const void *from, size_t size, off_t at),
        (file, from, size, at))
COUNTED(ssize_t, pwrite64, WRITES, file, (int file, const void *from, size_t size, off64_t at),
        (file, from, size, at))
COUNTED(ssize_t, writev, WRITES, file, (int file, const struct iovec *from, int count),
        (file, from, count))
COUNTED(ssize_t, pwritev, WRITES, file,
        (int file, const struct iovec *from, int count, off_t at), (file, from, count, at))
COUNTED(ssize_t, send, SENDS, file, (int file, const void *from, size_t size, int flags),
        (file, from, size, flags))
COUNTED(ssize_t, sendto, SENDS, file,
        (int file, const void *from, size_t size, int flags, __CONST_SOCKADDR_ARG to,
         socklen_t length),
        (file, from, size, flags, to, length))
COUNTED(ssize_t, sendmsg, SENDS, file, (int file, const struct msghdr *message, int flags),
        (file, message, flags))

/* A call, and the counts at the moment of its callback. */
struct counted {
  struct call call; /* first: its callbacks take a struct call */
  long at[KINDS];
};

static void look(long *at) {
  for (int kind = 0; kind < KINDS; kind++)
    at[kind] = atomic_load(&counts[kind]);
}

static void on_success(void *user_data) {
  look(((struct counted *)user_data)->at);
  call_succeeded(user_data);
}

static void on_error(void *user_data, int32_t code, const char *desc) {
  look(((struct counted *)user_data)->at);
  call_failed(user_data, code, desc);
}

static void on_results(void *user_data, const adieu_deletion_result *const *results,
                       size_t count) {
  for (size_t at = 0; at < count; at++)
    if (results[at]->code != ADIEU_OK) {
      on_error(user_data, results[at]->code, results[at]->desc);
      return;
    }
  on_success(user_data);
}

static void must(const char *what, int32_t code, int32_t expected, const char *text) {
  if (code != expected) {
    fprintf(stderr, "%s: %d: %s\n", what, (int)code, text);
    exit(1);
  }
}

/* Steps of 50 ms; under callgrind everything takes longer. */
static int quiet_steps = 6;

/* What follows a call (rows, purge, checkpoint) has ended when nothing was written for a while. */
static void until_quiet(void) {
  long before[KINDS], now[KINDS];
  look(now);
  for (int quiet = 0; quiet < quiet_steps; quiet++) {
    memcpy(before, now, sizeof now);
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    look(now);
    if (memcmp(before, now, sizeof now) != 0)
      quiet = 0;
  }
}

static adieu_client *opened(adieu_client_options *options) {
  adieu_client *client;
  char why[256];
  must("open", adieu_client_open(options, &client, why, sizeof why), ADIEU_OK, why);
  return client;
}

static void save(adieu_client *client, const char *conversation, struct counted *counted) {
  adieu_new_message messages[MESSAGES];
  char bodies[MESSAGES][80];
  for (int at = 0; at < MESSAGES; at++) {
    snprintf(bodies[at], sizeof bodies[at], "message %d: the quick boat crosses the lake", at);
    messages[at] = (adieu_new_message)ADIEU_NEW_MESSAGE_INIT;
    messages[at].position = (uint64_t)at + 1;
    messages[at].time = 1700000000u + (uint64_t)at;
    messages[at].sender = "bob";
    messages[at].body = bodies[at];
  }
  int32_t accepted = adieu_save_messages(client, conversation, messages, MESSAGES, on_success,
                                         on_error, counted);
  must("save", call_wait(&counted->call, accepted), ADIEU_OK, counted->call.text);
}

/* Each part begins with nothing under way. */
static void begin_part(void) {
  until_quiet();
  CALLGRIND_ZERO_STATS;
}

static void instructions(const char *store) {
  struct counted counted;
  char name[32], batch[ADIEU_MAX_BATCH][32];
  const char *ids[ADIEU_MAX_BATCH];
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  options.store_path = store;
  options.user_id = "alice";
  call_init(&counted.call);
  quiet_steps = 16;

  CALLGRIND_ZERO_STATS;
  adieu_client *client = opened(&options);
  CALLGRIND_DUMP_STATS_AT("open an empty store");

  for (int at = 0; at < SINGLE; at++) {
    snprintf(name, sizeof name, "c2c_single%d", at);
    save(client, name, &counted);
  }
  for (int at = 0; at < ADIEU_MAX_BATCH; at++) {
    snprintf(batch[at], sizeof batch[at], "c2c_batch%d", at);
    ids[at] = batch[at];
    save(client, batch[at], &counted);
  }
  begin_part();
  for (int at = 0; at < SINGLE; at++) {
    snprintf(name, sizeof name, "c2c_single%d", at);
    int32_t accepted = adieu_delete_conversation(client, name, on_success, on_error, &counted);
    must("delete", call_wait(&counted.call, accepted), ADIEU_OK, counted.call.text);
    until_quiet(); /* otherwise it depends on time whether it shares what follows with the next */
  }
  CALLGRIND_DUMP_STATS_AT("delete 5 conversations, each with what follows");
  begin_part();
  int32_t accepted = adieu_delete_conversations(client, ids, ADIEU_MAX_BATCH, NULL, on_results,
                                                on_error, &counted);
  must("delete a batch", call_wait(&counted.call, accepted), ADIEU_OK, counted.call.text);
  until_quiet();
  CALLGRIND_DUMP_STATS_AT("delete a batch of 100, with what follows");
  adieu_client_close(client);
  call_destroy(&counted.call);
}

static int by_size(const void *one, const void *other) {
  long difference = *(const long *)one - *(const long *)other;
  return (difference > 0) - (difference < 0);
}

/* `writes`: whether time leaves their number alone. */
static void say(const char *policy, const char *until, int writes, long of[KINDS][TRIES]) {
  for (int kind = 0; kind < KINDS; kind++) {
    if (kind == WRITES && !writes)
      continue;
    qsort(of[kind], TRIES, sizeof of[kind][0], by_size);
    printf("%s, %s, %s\t%ld\n", policy, names[kind], until, of[kind][TRIES / 2]);
  }
}

/* Deletes some conversations of the server in one manner, each when the one before is over. */
static void deleting(adieu_client *client, const char *name, uint32_t policy, int32_t expected) {
  long told[KINDS][TRIES], after[KINDS][TRIES];
  for (int at = 0; at < TRIES; at++) {
    struct counted counted;
    char conversation[32];
    long before[KINDS], later[KINDS];
    adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
    options.policy = policy;
    call_init(&counted.call);
    snprintf(conversation, sizeof conversation, "c2c_%s%d", name, at);
    look(before);
    int32_t accepted = adieu_delete_conversation_with_options(client, conversation, &options,
                                                              on_success, on_error, &counted);
    must(name, call_wait(&counted.call, accepted), expected, counted.call.text);
    until_quiet();
    look(later);
    call_destroy(&counted.call);
    for (int kind = 0; kind < KINDS; kind++) {
      told[kind][at] = counted.at[kind] - before[kind];
      after[kind][at] = later[kind] - before[kind];
    }
  }
  /* With a queued deletion the rows may follow before the server has answered; and how often the
   * purge writes depends on its steps. */
  say(name, "until the callback", policy != ADIEU_POLICY_QUEUE, told);
  say(name, "with what follows", 0, after);
}

static void calls(char **arguments) {
  struct counted counted;
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  options.store_path = arguments[0];
  options.server_url = arguments[1];
  options.user_id = arguments[2];
  options.sdk_app_id = strtoull(arguments[3], NULL, 10);
  options.user_sig = getenv("ADIEU_USER_SIG");
  call_init(&counted.call);
  adieu_client *client = opened(&options);
  int32_t accepted = adieu_pull(client, on_success, on_error, &counted);
  must("pull", call_wait(&counted.call, accepted), ADIEU_OK, counted.call.text);
  until_quiet();
  deleting(client, "fail", ADIEU_POLICY_FAIL, ADIEU_OK);
  deleting(client, "queue", ADIEU_POLICY_QUEUE, ADIEU_OK);
  deleting(client, "local_only", ADIEU_POLICY_LOCAL_ONLY, ADIEU_LOCAL_ONLY);
  adieu_client_close(client);
  call_destroy(&counted.call);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "instructions") == 0)
    instructions(argv[2]);
  else if (argc == 6 && strcmp(argv[1], "calls") == 0)
    calls(argv + 2);
  else
    return fprintf(stderr, "instructions STORE | calls STORE URL USER APP_ID\n"), 2;
  return 0;
}
