/* A device that is used for hours: a client for each of many accounts, all of them at once.
 *
 *   soak FOLDER URL APP_ID SEED DEVICE ACCOUNT...
 *
 * FOLDER holds ACCOUNT/ for its store and ACCOUNT.sig with its UserSig. It deletes, reads, drafts and
 * pins by chance, closes a client now and then and opens it again, until it is killed, or its standard
 * input ends: then it closes all and ends with 0. The line "settle" comes before that end: it deletes no
 * more, waits until no deletion is pending, and says what it still has.
 *
 * Lines on standard output, each written at once:
 *
 *   accepted ACCOUNT CONVERSATION NUMBER POLICY   a deletion, of messages up to NUMBER at least
 *   ended ACCOUNT CONVERSATION NUMBER CODE        its callback
 *   holds ACCOUNT CONVERSATION NUMBER             a message, at the end
 *   settled                                       that was all
 *   broken WHAT                                   a promise was not kept; it ends with 1
 *
 * The number of a message is the first in its text. */
#define _POSIX_C_SOURCE 200809L
#include <adieu.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"

#define MOST_ACCOUNTS 32
#define PEERS 5
#define PATIENCE_S 120

struct account {
  const char *name;
  char folder[512];
  char user_sig[1024];
  adieu_client *client;
  atomic_int open_calls;
};

/* A call; whoever made it waits for `done`, but for deletions, which end by themselves. */
struct call {
  struct account *account;
  char conversation[64];
  unsigned long number;
  atomic_int answers;
  int32_t code;
  unsigned long highest;
  size_t count;
  uint64_t oldest;
  int prints;
};

static const char *url, *device;
static uint64_t app_id;

static void say(const char *format, ...) {
  char line[512];
  va_list words;
  int length;

  va_start(words, format);
  length = vsnprintf(line, sizeof line, format, words);
  va_end(words);
  if (length > 0 && write(STDOUT_FILENO, line, (size_t)length) != length)
    _exit(2);
}

static _Noreturn void broken(const char *what) {
  say("broken %s\n", what);
  _exit(1);
}

static void pause_ms(long ms) {
  nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* ---- answers ---- */

static void answered(struct call *call, int32_t code) {
  call->code = code;
  atomic_fetch_sub(&call->account->open_calls, 1);
  if (atomic_fetch_add(&call->answers, 1) != 0)
    broken("a call has answered twice");
}

static void on_success(void *user_data) { answered(user_data, ADIEU_OK); }

static void on_error(void *user_data, int32_t code, const char *desc) {
  if (code == ADIEU_ERR_PANIC || *desc == '\0')
    broken("an error that is none");
  answered(user_data, code);
}

static void deleted(struct call *call, int32_t code) {
  say("ended %s %s %lu %d\n", call->account->name, call->conversation, call->number, (int)code);
  answered(call, code);
}

static void on_deleted(void *user_data) { deleted(user_data, ADIEU_OK); }

static void on_not_deleted(void *user_data, int32_t code, const char *desc) {
  if (code == ADIEU_ERR_PANIC || *desc == '\0')
    broken("a deletion ended with an error that is none");
  deleted(user_data, code);
}

static unsigned long number_of(const char *text) {
  while (*text != '\0' && (*text < '0' || *text > '9'))
    text++;
  return strtoul(text, NULL, 10);
}

static void on_messages(void *user_data, const adieu_message *const *messages, size_t count) {
  struct call *call = user_data;
  size_t i;

  for (i = 0; i < count; i++) {
    unsigned long number = number_of(messages[i]->text);

    if (number > call->highest)
      call->highest = number;
    if (call->prints)
      say("holds %s %s %lu\n", call->account->name, call->conversation, number);
    call->oldest = messages[i]->position;
  }
  call->count = count;
  answered(call, ADIEU_OK);
}

static void on_pending(void *user_data, const adieu_pending_deletion *const *pending,
                       size_t count) {
  (void)pending;
  ((struct call *)user_data)->count = count;
  answered(user_data, ADIEU_OK);
}

static void on_conversations(void *user_data, const adieu_conversation *const *list, size_t count) {
  size_t i, length = 0;

  for (i = 0; i < count; i++)
    length += strlen(list[i]->conversation_id);
  ((struct call *)user_data)->count = length == 0 ? 0 : count;
  answered(user_data, ADIEU_OK);
}

/* Before a call: it may answer before it has returned. */
static void begin(struct call *call) { atomic_fetch_add(&call->account->open_calls, 1); }

static void accepted(struct call *call, int32_t code) {
  if (code != ADIEU_OK)
    broken("an open client refuses a call");
  (void)call;
}

static int32_t outcome(struct call *call, int32_t code) {
  long waited = 0;

  accepted(call, code);
  while (atomic_load(&call->answers) == 0) {
    pause_ms(1);
    if (++waited > PATIENCE_S * 1000L)
      broken("a call does not answer");
  }
  return call->code;
}

/* ---- accounts ---- */

static void open_account(struct account *account) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  char why[256];

  options.store_path = account->folder;
  options.user_id = account->name;
  options.server_url = url;
  options.sdk_app_id = app_id;
  options.device_id = device;
  options.user_sig = account->user_sig;
  options.live_sync = 1;
  if (adieu_client_open(&options, &account->client, why, sizeof why) != ADIEU_OK)
    broken(why);
}

static void close_account(struct account *account) {
  if (adieu_client_close(account->client) != ADIEU_OK)
    broken("a close has failed");
  if (atomic_load(&account->open_calls) != 0)
    broken("a close has returned before every accepted call has answered, or one answered twice");
}

static struct call *new_call(struct account *account, const char *conversation) {
  struct call *call = calloc(1, sizeof *call);

  if (call == NULL)
    broken("there is no memory");
  call->account = account;
  snprintf(call->conversation, sizeof call->conversation, "%s", conversation);
  return call;
}

/* Deletions end whenever they do: kept until then, and freed in passing. */
static struct call *ending[4096];

static void keep(struct call *call) {
  size_t i;

  for (;;) {
    for (i = 0; i < sizeof ending / sizeof *ending; i++) {
      if (ending[i] != NULL && atomic_load(&ending[i]->answers) != 0) {
        free(ending[i]);
        ending[i] = NULL;
      }
      if (ending[i] == NULL) {
        ending[i] = call;
        return;
      }
    }
    pause_ms(10);
  }
}

static unsigned long highest_of(struct account *account, const char *conversation) {
  struct call *call = new_call(account, conversation);
  unsigned long highest;

  begin(call);
  outcome(call, adieu_get_history(account->client, conversation, 0, 100, on_messages, on_error,
                                  call));
  highest = call->highest;
  free(call);
  return highest;
}

static void delete_one(struct account *account, const char *conversation, struct chance *chance) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  struct call *call = new_call(account, conversation);

  call->number = highest_of(account, conversation);
  options.policy = chance_below(chance, 2) ? ADIEU_POLICY_QUEUE : ADIEU_POLICY_FAIL;
  options.timeout_ms = 500 + chance_below(chance, 5000);
  keep(call);
  begin(call);
  accepted(call, adieu_delete_conversation_with_options(account->client, conversation, &options,
                                                        on_deleted, on_not_deleted, call));
  say("accepted %s %s %lu %u\n", account->name, conversation, call->number, options.policy);
}

static void use(struct account *account, struct chance *chance) {
  struct call *call;
  char conversation[64];
  int32_t code;

  snprintf(conversation, sizeof conversation, "c2c_peer%u", chance_below(chance, PEERS));
  switch (chance_below(chance, 10)) {
  case 0:
  case 1:
  case 2:
    delete_one(account, conversation, chance);
    return;
  case 3:
    highest_of(account, conversation);
    return;
  case 4:
    if (!chance_one_in(chance, 8))
      return;
    close_account(account);
    open_account(account);
    return;
  default:
    break;
  }
  call = new_call(account, conversation);
  begin(call);
  switch (chance_below(chance, 5)) {
  case 0:
    code = adieu_set_draft(account->client, conversation,
                           chance_one_in(chance, 2) ? NULL : "I wanted to say", on_success,
                           on_error, call);
    break;
  case 1:
    code = adieu_pin_conversation(account->client, conversation, (int32_t)chance_below(chance, 2),
                                  on_success, on_error, call);
    break;
  case 2:
    code = adieu_list_pending(account->client, on_pending, on_error, call);
    break;
  case 3:
    code = adieu_pull(account->client, on_success, on_error, call);
    break;
  default:
    code = adieu_list_conversations(account->client, on_conversations, on_error, call);
    break;
  }
  outcome(call, code);
  free(call);
}

/* ---- the end ---- */

static size_t pending_in(struct account *account) {
  struct call *call = new_call(account, "");
  size_t count;

  begin(call);
  if (outcome(call, adieu_list_pending(account->client, on_pending, on_error, call)) != ADIEU_OK)
    broken("pending deletions cannot be listed");
  count = call->count;
  free(call);
  return count;
}

static void settle(struct account *account) {
  time_t begun = time(NULL);
  unsigned peer;

  adieu_network_changed(account->client, 1);
  while (pending_in(account) > 0) {
    pause_ms(50);
    if (time(NULL) - begun > PATIENCE_S)
      broken("a deletion stays pending though there is a network");
  }
  for (peer = 0; peer < PEERS; peer++) {
    struct call *call;
    char conversation[64];
    uint64_t before = 0;
    size_t count;

    snprintf(conversation, sizeof conversation, "c2c_peer%u", peer);
    do {
      call = new_call(account, conversation);
      call->prints = 1;
      begin(call);
      outcome(call, adieu_get_history(account->client, conversation, before, 500, on_messages,
                                      on_error, call));
      count = call->count;
      before = call->oldest;
      free(call);
    } while (count == 500);
  }
}

static void read_sig(struct account *account, const char *folder) {
  char path[600];
  FILE *file;

  snprintf(path, sizeof path, "%s/%s.sig", folder, account->name);
  if ((file = fopen(path, "r")) == NULL ||
      fgets(account->user_sig, sizeof account->user_sig, file) == NULL)
    broken("there is no UserSig");
  account->user_sig[strcspn(account->user_sig, "\n")] = '\0';
  fclose(file);
}

int main(int argc, char **argv) {
  static struct account accounts[MOST_ACCOUNTS];
  struct pollfd input = {STDIN_FILENO, POLLIN, 0};
  size_t count, i;
  struct chance chance;
  char words[64];

  if (argc < 7 || argc - 6 > MOST_ACCOUNTS)
    return fputs("soak FOLDER URL APP_ID SEED DEVICE ACCOUNT...\n", stderr), 2;
  url = argv[2];
  app_id = strtoull(argv[3], NULL, 10);
  chance.state = strtoull(argv[4], NULL, 10);
  device = argv[5];
  count = (size_t)argc - 6;
  for (i = 0; i < count; i++) {
    accounts[i].name = argv[6 + i];
    snprintf(accounts[i].folder, sizeof accounts[i].folder, "%s/%s", argv[1], accounts[i].name);
    read_sig(&accounts[i], argv[1]);
    open_account(&accounts[i]);
  }
  while (poll(&input, 1, (int)chance_below(&chance, 40)) == 0)
    use(&accounts[chance_below(&chance, (uint32_t)count)], &chance);
  if (read(STDIN_FILENO, words, sizeof words) > 0) {
    for (i = 0; i < count; i++)
      settle(&accounts[i]);
    say("settled\n");
  }
  for (i = 0; i < count; i++)
    close_account(&accounts[i]);
  return 0;
}
