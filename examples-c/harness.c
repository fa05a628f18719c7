/* Signs in, pulls, shows the conversation list, and deletes the conversations named on standard
 * input, one id a line. What it sees through adieu.h goes to standard output, one JSON object a
 * line:
 *
 *   {"event":"opened","version":"0.1.0"}
 *   {"event":"pulled","ms":812.3,"unread":17}
 *   {"event":"conversation","conversation_id":"c2c_bob","title":"","messages":12,"unread":1}
 *   {"event":"listed","conversations":1}
 *
 * then, for each line of standard input, unless "error" stands in the place of all after the id:
 *
 *   {"event":"deleted","conversation_id":"c2c_bob",
 *    "messages_before":12,          read page by page, before
 *    "call_ns":900,                 what the call took on this thread
 *    "erase_ns":130000,"total_ns":480000,
 *    "listed_after":0,"messages_after":0,"unread":0,
 *    "searched":20,"found":0,"left_out_short":3,"left_out_shared":1,
 *    "readable_records":0,"records":9,"bytes":200704}
 *
 * and when it ends, "pulled", "conversation" and "listed" once more.
 *
 * Before each deletion the distinct texts, senders, names and ids that the conversation held are
 * written to FOLDER/N.texts, each ended by a NUL (N counts the deletions from 1).
 */
#define _POSIX_C_SOURCE 200809L
#include <adieu.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "call.h"
#include "json.h"
#include "text_set.h"

#define PAGE 1000

/* The program's only call under way, and what its callbacks gather. */
struct harness {
  struct call call; /* first: the callbacks of call.h take the same address */
  adieu_client *client;
  const char *folder;
  int print_list;        /* on_list prints each conversation */
  const char *wanted;    /* on_list looks for this one */
  struct text_set *into; /* on_page and on_list add what they see; may be NULL */
  int listed;
  size_t page;
  uint64_t oldest;
  uint64_t messages;
  int out_of_memory;
  adieu_verification verification;
};

static uint64_t now_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void keep(struct harness *h, const char *text) {
  if (h->into != NULL && text_set_add(h->into, text) != 0)
    h->out_of_memory = 1;
}

static void on_list(void *user_data, const adieu_conversation *const *list, size_t count) {
  struct harness *h = user_data;
  size_t i;

  for (i = 0; i < count; i++) {
    const adieu_conversation *one = list[i];

    if (h->print_list) {
      fputs("{\"event\":\"conversation\",\"conversation_id\":", stdout);
      json_string(stdout, one->conversation_id);
      fputs(",\"title\":", stdout);
      json_string(stdout, one->title);
      printf(",\"messages\":%" PRIu64 ",\"unread\":%" PRIu64 "}\n", one->message_count,
             one->unread_count);
    }
    if (h->wanted != NULL && strcmp(one->conversation_id, h->wanted) == 0) {
      h->listed = 1;
      keep(h, one->title);
    }
  }
  if (h->print_list)
    printf("{\"event\":\"listed\",\"conversations\":%lu}\n", (unsigned long)count);
  call_succeeded(&h->call);
}

static void on_page(void *user_data, const adieu_message *const *messages, size_t count) {
  struct harness *h = user_data;
  size_t i;

  for (i = 0; i < count; i++) {
    keep(h, messages[i]->sender);
    keep(h, messages[i]->text);
  }
  h->page = count;
  h->messages += count;
  if (count > 0)
    h->oldest = messages[count - 1]->position;
  call_succeeded(&h->call);
}

static void on_verification(void *user_data, const adieu_verification *verification) {
  struct harness *h = user_data;

  /* Field by field: the library's struct may be longer than the one of this header. */
  h->verification.searched = verification->searched;
  h->verification.found = verification->found;
  h->verification.left_out_short = verification->left_out_short;
  h->verification.left_out_shared = verification->left_out_shared;
  h->verification.readable_records = verification->readable_records;
  h->verification.records = verification->records;
  h->verification.bytes = verification->bytes;
  call_succeeded(&h->call);
}

static int32_t list(struct harness *h) {
  h->listed = 0;
  return call_wait(&h->call, adieu_list_conversations(h->client, on_list, call_failed, h));
}

/* Reads the whole history, newest first; counts it in h->messages. */
static int32_t read_all(struct harness *h, const char *id) {
  int32_t code;

  h->messages = 0;
  h->oldest = 0;
  do {
    code = call_wait(&h->call,
                     adieu_get_history(h->client, id, h->oldest, PAGE, on_page, call_failed, h));
  } while (code == ADIEU_OK && h->page == PAGE && h->oldest > 1);
  return code;
}

/* After `c2c_` and `group_` stands the name of a person or a group. */
static const char *name_in(const char *id) {
  const char *underscore = strchr(id, '_');

  return underscore == NULL ? id : underscore + 1;
}

static int write_texts(const struct harness *h, const struct text_set *texts, unsigned number) {
  char path[4096];
  FILE *file;
  size_t i;

  snprintf(path, sizeof path, "%s/%u.texts", h->folder, number);
  file = fopen(path, "wb");
  if (file == NULL)
    return -1;
  for (i = 0; i < texts->count; i++)
    fwrite(texts->texts[i], strlen(texts->texts[i]) + 1, 1, file);
  i = (size_t)ferror(file);
  return fclose(file) == 0 && i == 0 ? 0 : -1;
}

/* Everything about one deletion. Returns the code of what failed first. */
static int32_t delete_one(struct harness *h, const char *id, unsigned number,
                          struct text_set *texts) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  adieu_receipt receipt = ADIEU_RECEIPT_INIT;
  adieu_deletion_id deletion;
  uint64_t before, begun, call_ns, unread = 0;
  int32_t code;

  h->wanted = id;
  h->into = texts;
  if ((code = list(h)) != ADIEU_OK || (code = read_all(h, id)) != ADIEU_OK)
    return code;
  before = h->messages;
  keep(h, id);
  keep(h, name_in(id));
  h->into = NULL;
  if (h->out_of_memory || write_texts(h, texts, number) != 0) {
    snprintf(h->call.text, sizeof h->call.text, "cannot keep the texts");
    return ADIEU_ERR_STORE_IO;
  }

  options.deletion_id = &deletion;
  begun = now_ns();
  code = adieu_delete_conversation_with_options(h->client, id, &options, call_succeeded,
                                                call_failed, h);
  call_ns = now_ns() - begun;
  if ((code = call_wait(&h->call, code)) != ADIEU_OK ||
      (code = adieu_get_receipt(h->client, &deletion, &receipt)) != ADIEU_OK ||
      (code = list(h)) != ADIEU_OK || (code = read_all(h, id)) != ADIEU_OK ||
      (code = adieu_total_unread(h->client, &unread)) != ADIEU_OK)
    return code;
  code = call_wait(&h->call, adieu_verify_erased(h->client, id, (const char *const *)texts->texts,
                                                 texts->count, on_verification, call_failed, h));
  if (code != ADIEU_OK)
    return code;

  printf(",\"messages_before\":%" PRIu64 ",\"call_ns\":%" PRIu64 ",\"erase_ns\":%" PRIu64
         ",\"total_ns\":%" PRIu64 ",\"listed_after\":%d,\"messages_after\":%" PRIu64
         ",\"unread\":%" PRIu64,
         before, call_ns, receipt.erase_ns, receipt.total_ns, h->listed, h->messages, unread);
  printf(",\"searched\":%" PRIu64 ",\"found\":%" PRIu64 ",\"left_out_short\":%" PRIu64
         ",\"left_out_shared\":%" PRIu64 ",\"readable_records\":%" PRIu64 ",\"records\":%" PRIu64
         ",\"bytes\":%" PRIu64,
         h->verification.searched, h->verification.found, h->verification.left_out_short,
         h->verification.left_out_shared, h->verification.readable_records,
         h->verification.records, h->verification.bytes);
  return ADIEU_OK;
}

/* Takes ids from standard input until it ends. Returns whether all went well. */
static int delete_named(struct harness *h) {
  char id[256];
  unsigned number = 0;
  int good = 1;

  while (fgets(id, sizeof id, stdin) != NULL) {
    struct text_set texts;
    int32_t code;

    id[strcspn(id, "\r\n")] = '\0';
    text_set_init(&texts);
    fputs("{\"event\":\"deleted\",\"conversation_id\":", stdout);
    json_string(stdout, id);
    code = delete_one(h, id, ++number, &texts);
    if (code != ADIEU_OK) {
      printf(",\"code\":%d,\"error\":", (int)code);
      json_string(stdout, h->call.text[0] != '\0' ? h->call.text : adieu_strerror(code));
      good = 0;
    }
    puts("}");
    fflush(stdout);
    h->into = NULL;
    text_set_free(&texts);
  }
  return good;
}

static int32_t pull_and_list(struct harness *h) {
  uint64_t begun = now_ns(), unread = 0;
  int32_t code =
      call_wait(&h->call, adieu_pull(h->client, call_succeeded, call_failed, &h->call));

  if (code != ADIEU_OK || (code = adieu_total_unread(h->client, &unread)) != ADIEU_OK)
    return code;
  printf("{\"event\":\"pulled\",\"ms\":%.3f,\"unread\":%" PRIu64 "}\n",
         (double)(now_ns() - begun) / 1e6, unread);
  h->print_list = 1;
  code = list(h);
  h->print_list = 0;
  fflush(stdout);
  return code;
}

static int32_t open_client(struct harness *h, char **argv) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  char user_sig[4096] = "";
  FILE *file = fopen(argv[5], "r");

  /* The credential comes in a file: the command line can be read by everyone on the machine. */
  if (file == NULL || fgets(user_sig, sizeof user_sig, file) == NULL)
    fprintf(stderr, "harness: no credential in %s\n", argv[5]);
  if (file != NULL)
    fclose(file);
  user_sig[strcspn(user_sig, "\r\n")] = '\0';
  options.store_path = argv[1];
  options.user_id = argv[2];
  options.server_url = argv[3];
  options.sdk_app_id = strtoull(argv[4], NULL, 10);
  options.user_sig = user_sig;
  return adieu_client_open(&options, &h->client, h->call.text, sizeof h->call.text);
}

int main(int argc, char **argv) {
  struct harness h;
  int32_t code;
  int good;

  if (argc != 7) {
    fprintf(stderr, "usage: harness STORE USER SERVER APP_ID USERSIG_FILE FOLDER\n");
    return 2;
  }
  memset(&h, 0, sizeof h);
  call_init(&h.call);
  h.folder = argv[6];
  code = open_client(&h, argv);
  if (code == ADIEU_OK) {
    printf("{\"event\":\"opened\",\"version\":\"%s\"}\n", adieu_version());
    code = pull_and_list(&h);
    good = code == ADIEU_OK && delete_named(&h);
    /* Once more: nothing may come back. */
    if (code == ADIEU_OK)
      code = pull_and_list(&h);
    adieu_client_close(h.client);
  } else {
    good = 0;
  }
  if (code != ADIEU_OK)
    fprintf(stderr, "harness: %d: %s\n", (int)code, h.call.text);
  call_destroy(&h.call);
  return good && code == ADIEU_OK ? 0 : 1;
}
