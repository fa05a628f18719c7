#define _POSIX_C_SOURCE 200809L
#include "device.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"

#define PAGE 1000

uint64_t now_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void device_init(struct device *device) {
  memset(device, 0, sizeof *device);
  call_init(&device->call);
}

void device_destroy(struct device *device) { call_destroy(&device->call); }

static void keep(struct device *device, const char *text) {
  if (device->into != NULL && text_set_add(device->into, text) != 0)
    device->out_of_memory = 1;
}

static void print_conversation(const adieu_conversation *one) {
  fputs("{\"event\":\"conversation\",\"conversation_id\":", stdout);
  json_string(stdout, one->conversation_id);
  fputs(",\"title\":", stdout);
  json_string(stdout, one->title);
  printf(",\"messages\":%" PRIu64 ",\"unread\":%" PRIu64 "}\n", one->message_count,
         one->unread_count);
}

static void on_list(void *user_data, const adieu_conversation *const *list, size_t count) {
  struct device *device = user_data;
  size_t i;

  for (i = 0; i < count; i++) {
    if (device->print_list)
      print_conversation(list[i]);
    if (device->wanted != NULL && strcmp(list[i]->conversation_id, device->wanted) == 0) {
      device->listed = 1;
      keep(device, list[i]->title);
    }
  }
  if (device->print_list)
    printf("{\"event\":\"listed\",\"conversations\":%lu}\n", (unsigned long)count);
  device->conversations = count;
  call_succeeded(&device->call);
}

static void on_page(void *user_data, const adieu_message *const *messages, size_t count) {
  struct device *device = user_data;
  size_t i;

  for (i = 0; i < count; i++) {
    keep(device, messages[i]->sender);
    keep(device, messages[i]->text);
  }
  device->page = count;
  device->messages += count;
  if (count > 0)
    device->oldest = messages[count - 1]->position;
  call_succeeded(&device->call);
}

static void on_verification(void *user_data, const adieu_verification *verification) {
  struct device *device = user_data;

  /* Field by field: the library's struct may be longer than the one of this header. */
  device->verification.searched = verification->searched;
  device->verification.found = verification->found;
  device->verification.left_out_short = verification->left_out_short;
  device->verification.left_out_shared = verification->left_out_shared;
  device->verification.readable_records = verification->readable_records;
  device->verification.records = verification->records;
  device->verification.bytes = verification->bytes;
  call_succeeded(&device->call);
}

int32_t device_list(struct device *device) {
  device->listed = 0;
  return call_wait(&device->call, adieu_list_conversations(device->client, on_list, call_failed,
                                                           device));
}

int32_t device_history(struct device *device, const char *id) {
  int32_t code;

  device->messages = 0;
  device->oldest = 0;
  do {
    code = call_wait(&device->call, adieu_get_history(device->client, id, device->oldest, PAGE,
                                                      on_page, call_failed, device));
  } while (code == ADIEU_OK && device->page == PAGE && device->oldest > 1);
  return code;
}

int32_t device_verify(struct device *device, const char *id, const struct text_set *texts) {
  return call_wait(&device->call,
                   adieu_verify_erased(device->client, id, (const char *const *)texts->texts,
                                       texts->count, on_verification, call_failed, device));
}

/* After `c2c_` and `group_` stands the name of a person or a group. */
static const char *name_in(const char *id) {
  const char *underscore = strchr(id, '_');

  return underscore == NULL ? id : underscore + 1;
}

static int write_texts(const struct text_set *texts, const char *folder, unsigned number) {
  char path[4096];
  FILE *file;
  size_t i;
  int failed;

  snprintf(path, sizeof path, "%s/%u.texts", folder, number);
  file = fopen(path, "wb");
  if (file == NULL)
    return -1;
  for (i = 0; i < texts->count; i++)
    fwrite(texts->texts[i], strlen(texts->texts[i]) + 1, 1, file);
  failed = ferror(file);
  return fclose(file) == 0 && !failed ? 0 : -1;
}

int32_t device_gather(struct device *device, const char *id, struct text_set *texts,
                      const char *folder, unsigned number) {
  int32_t code;

  device->wanted = id;
  device->into = texts;
  code = device_list(device);
  if (code == ADIEU_OK)
    code = device_history(device, id);
  keep(device, id);
  keep(device, name_in(id));
  device->into = NULL;
  if (code == ADIEU_OK && (device->out_of_memory || write_texts(texts, folder, number) != 0)) {
    snprintf(device->call.text, sizeof device->call.text, "cannot keep the texts");
    code = ADIEU_ERR_STORE_IO;
  }
  return code;
}

int32_t device_open(struct device *device, char **argv, adieu_client_options *options) {
  char user_sig[4096] = "";
  FILE *file = fopen(argv[4], "r");

  /* The credential comes in a file: the command line can be read by everyone on the machine. */
  if (file == NULL || fgets(user_sig, sizeof user_sig, file) == NULL)
    fprintf(stderr, "no credential in %s\n", argv[4]);
  if (file != NULL)
    fclose(file);
  user_sig[strcspn(user_sig, "\r\n")] = '\0';
  options->store_path = argv[0];
  options->user_id = argv[1];
  options->server_url = argv[2];
  options->sdk_app_id = strtoull(argv[3], NULL, 10);
  options->user_sig = user_sig;
  return adieu_client_open(options, &device->client, device->call.text,
                           sizeof device->call.text);
}
