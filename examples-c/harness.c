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
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "json.h"

/* Everything about one deletion. Returns the code of what failed first. */
static int32_t delete_one(struct device *device, const char *id, const char *folder,
                          unsigned number, struct text_set *texts) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  adieu_receipt receipt = ADIEU_RECEIPT_INIT;
  const adieu_verification *looked = &device->verification;
  adieu_deletion_id deletion;
  uint64_t before, begun, call_ns, unread = 0;
  int32_t code;

  if ((code = device_gather(device, id, texts, folder, number)) != ADIEU_OK)
    return code;
  before = device->messages;

  options.deletion_id = &deletion;
  begun = now_ns();
  code = adieu_delete_conversation_with_options(device->client, id, &options, call_succeeded,
                                                call_failed, device);
  call_ns = now_ns() - begun;
  if ((code = call_wait(&device->call, code)) != ADIEU_OK ||
      (code = adieu_get_receipt(device->client, &deletion, &receipt)) != ADIEU_OK ||
      (code = device_list(device)) != ADIEU_OK ||
      (code = device_history(device, id)) != ADIEU_OK ||
      (code = adieu_total_unread(device->client, &unread)) != ADIEU_OK ||
      (code = device_verify(device, id, texts)) != ADIEU_OK)
    return code;

  printf(",\"messages_before\":%" PRIu64 ",\"call_ns\":%" PRIu64 ",\"erase_ns\":%" PRIu64
         ",\"total_ns\":%" PRIu64 ",\"listed_after\":%d,\"messages_after\":%" PRIu64
         ",\"unread\":%" PRIu64,
         before, call_ns, receipt.erase_ns, receipt.total_ns, device->listed, device->messages,
         unread);
  printf(",\"searched\":%" PRIu64 ",\"found\":%" PRIu64 ",\"left_out_short\":%" PRIu64
         ",\"left_out_shared\":%" PRIu64 ",\"readable_records\":%" PRIu64 ",\"records\":%" PRIu64
         ",\"bytes\":%" PRIu64,
         looked->searched, looked->found, looked->left_out_short, looked->left_out_shared,
         looked->readable_records, looked->records, looked->bytes);
  return ADIEU_OK;
}

/* Takes ids from standard input until it ends. Returns whether all went well. */
static int delete_named(struct device *device, const char *folder) {
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
    code = delete_one(device, id, folder, ++number, &texts);
    if (code != ADIEU_OK) {
      printf(",\"code\":%d,\"error\":", (int)code);
      json_string(stdout, device->call.text[0] != '\0' ? device->call.text : adieu_strerror(code));
      good = 0;
    }
    puts("}");
    fflush(stdout);
    text_set_free(&texts);
    device->wanted = NULL;
  }
  return good;
}

static int32_t pull_and_list(struct device *device) {
  uint64_t begun = now_ns(), unread = 0;
  int32_t code = call_wait(&device->call, adieu_pull(device->client, call_succeeded, call_failed,
                                                     &device->call));

  if (code != ADIEU_OK || (code = adieu_total_unread(device->client, &unread)) != ADIEU_OK)
    return code;
  printf("{\"event\":\"pulled\",\"ms\":%.3f,\"unread\":%" PRIu64 "}\n",
         (double)(now_ns() - begun) / 1e6, unread);
  device->print_list = 1;
  code = device_list(device);
  device->print_list = 0;
  fflush(stdout);
  return code;
}

int main(int argc, char **argv) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  struct device device;
  int32_t code;
  int good;

  if (argc != 7) {
    fprintf(stderr, "usage: harness STORE USER SERVER APP_ID USERSIG_FILE FOLDER\n");
    return 2;
  }
  device_init(&device);
  code = device_open(&device, argv + 1, &options);
  if (code == ADIEU_OK) {
    printf("{\"event\":\"opened\",\"version\":\"%s\"}\n", adieu_version());
    code = pull_and_list(&device);
    good = code == ADIEU_OK && delete_named(&device, argv[6]);
    /* Once more: nothing may come back. */
    if (code == ADIEU_OK)
      code = pull_and_list(&device);
    adieu_client_close(device.client);
  } else {
    good = 0;
  }
  if (code != ADIEU_OK)
    fprintf(stderr, "harness: %d: %s\n", (int)code, device.call.text);
  device_destroy(&device);
  return good && code == ADIEU_OK ? 0 : 1;
}
