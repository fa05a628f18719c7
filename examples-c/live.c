/* A device that stays up to date by itself: live_sync, and a listener that says what it hears. Two
 * of them on one account show what reaches a user's other devices.
 *
 *   live STORE USER SERVER APP_ID USERSIG_FILE DEVICE
 *     STORE is a folder that exists, DEVICE a name among the user's devices.
 *
 * Commands come on standard input, one a line, until it ends:
 *
 *   look ID      says what the user sees of a conversation
 *   delete ID    deletes it, and says so when the library has called on_success
 *   verify ID    says how many records of what was deleted of it the store could still decode
 *
 * To standard output goes one JSON object a line. What the listener hears, when it does:
 *
 *   {"event":"sync","state":"finished","code":0}
 *   {"event":"conversation_new","conversation_id":"c2c_bob","messages":12}
 *   {"event":"conversation_changed","conversation_id":"c2c_bob","messages":13}
 *   {"event":"conversation_deleted","conversation_id":"c2c_bob","cause":"another_device",
 *    "at_ns":81233000}
 *   {"event":"sign_in_needed","code":70001}
 *
 * and one answer to each command ("failed" with "code" and "desc" in its place when it failed):
 *
 *   {"event":"looked","conversation_id":"c2c_bob","listed":1,"messages":12}
 *   {"event":"deleted","conversation_id":"c2c_bob","at_ns":81232000}
 *   {"event":"verified","conversation_id":"c2c_bob","readable_records":0,"records":99}
 *
 * "at_ns" is taken at the beginning of the callback, from a clock that all processes share.
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "json.h"

/* ---- what the listener hears ---- */

static const char *name_of(const char *const *names, size_t count, uint32_t number) {
  return number < count ? names[number] : "unknown"; /* from a newer library */
}

#define NAME_OF(names, number) name_of(names, sizeof(names) / sizeof *(names), number)

static const char *const SYNC_STATES[] = {"", "started", "finished", "failed"};
static const char *const CAUSES[] = {"this_device", "another_device", "back_end"};

static void print_conversation(const char *event, const adieu_event *heard) {
  printf("{\"event\":\"%s\",\"conversation_id\":", event);
  json_string(stdout, heard->conversation_id);
  printf(",\"messages\":%" PRIu64 "}\n", heard->conversation->message_count);
}

/* On a thread of the library, while main waits for a command. Printing is all it does; an app
 * copies what it needs and hands it to its own thread, as library_thread.c shows. */
static void on_event(void *user_data, const adieu_event *event) {
  uint64_t now = now_ns();

  (void)user_data;
  flockfile(stdout); /* lines come from two threads; each is whole */
  switch (event->kind) {
  case ADIEU_EVENT_SYNC_CHANGED:
    printf("{\"event\":\"sync\",\"state\":\"%s\",\"code\":%" PRId32 "}\n",
           NAME_OF(SYNC_STATES, event->sync_state), event->code);
    break;
  case ADIEU_EVENT_CONVERSATION_NEW:
    print_conversation("conversation_new", event);
    break;
  case ADIEU_EVENT_CONVERSATION_CHANGED:
    print_conversation("conversation_changed", event);
    break;
  case ADIEU_EVENT_CONVERSATION_DELETED:
    fputs("{\"event\":\"conversation_deleted\",\"conversation_id\":", stdout);
    json_string(stdout, event->conversation_id);
    printf(",\"cause\":\"%s\",\"at_ns\":%" PRIu64 "}\n", NAME_OF(CAUSES, event->cause), now);
    break;
  case ADIEU_EVENT_SIGN_IN_NEEDED:
    printf("{\"event\":\"sign_in_needed\",\"code\":%" PRId32 "}\n", event->code);
    break;
  default:
    break; /* what this program has no use for, and kinds of a newer library */
  }
  funlockfile(stdout);
}

/* ---- commands ---- */

struct live {
  struct device device; /* first: the callbacks of device.h and call.h take the same address */
  uint64_t told_ns;
};

static void on_deleted(void *user_data) {
  struct live *live = user_data;

  live->told_ns = now_ns();
  call_succeeded(&live->device.call);
}

static int32_t look(struct live *live, const char *id) {
  struct device *device = &live->device;
  int32_t code;

  device->wanted = id;
  if ((code = device_list(device)) == ADIEU_OK && (code = device_history(device, id)) == ADIEU_OK) {
    flockfile(stdout);
    fputs("{\"event\":\"looked\",\"conversation_id\":", stdout);
    json_string(stdout, id);
    printf(",\"listed\":%d,\"messages\":%" PRIu64 "}\n", device->listed, device->messages);
    funlockfile(stdout);
  }
  device->wanted = NULL;
  return code;
}

static int32_t delete_for_good(struct live *live, const char *id) {
  struct device *device = &live->device;
  int32_t code = adieu_delete_conversation(device->client, id, on_deleted, call_failed, live);

  if ((code = call_wait(&device->call, code)) != ADIEU_OK)
    return code;
  flockfile(stdout);
  fputs("{\"event\":\"deleted\",\"conversation_id\":", stdout);
  json_string(stdout, id);
  printf(",\"at_ns\":%" PRIu64 "}\n", live->told_ns);
  funlockfile(stdout);
  return ADIEU_OK;
}

static int32_t verify(struct live *live, const char *id) {
  const adieu_verification *looked = &live->device.verification;
  struct text_set no_texts;
  int32_t code;

  text_set_init(&no_texts);
  if ((code = device_verify(&live->device, id, &no_texts)) != ADIEU_OK)
    return code;
  flockfile(stdout);
  fputs("{\"event\":\"verified\",\"conversation_id\":", stdout);
  json_string(stdout, id);
  printf(",\"readable_records\":%" PRIu64 ",\"records\":%" PRIu64 "}\n",
         looked->readable_records, looked->records);
  funlockfile(stdout);
  return ADIEU_OK;
}

static int32_t obey(struct live *live, char *line) {
  char *id = strchr(line, ' ');

  if (id != NULL) {
    *id++ = '\0';
    if (strcmp(line, "look") == 0)
      return look(live, id);
    if (strcmp(line, "delete") == 0)
      return delete_for_good(live, id);
    if (strcmp(line, "verify") == 0)
      return verify(live, id);
  }
  snprintf(live->device.call.text, sizeof live->device.call.text,
           "commands are: look ID, delete ID, verify ID");
  return ADIEU_ERR_INVALID_ARGUMENT;
}

static void run(struct live *live) {
  char line[512];

  while (fgets(line, sizeof line, stdin) != NULL) {
    int32_t code;

    line[strcspn(line, "\r\n")] = '\0';
    code = obey(live, line);
    if (code != ADIEU_OK) {
      const char *why = live->device.call.text;

      flockfile(stdout);
      printf("{\"event\":\"failed\",\"code\":%" PRId32 ",\"desc\":", code);
      json_string(stdout, why[0] != '\0' ? why : adieu_strerror(code));
      puts("}");
      funlockfile(stdout);
    }
  }
}

int main(int argc, char **argv) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  adieu_listener listener = ADIEU_LISTENER_INIT;
  struct live live;
  int32_t code;

  if (argc != 7) {
    fprintf(stderr, "usage: live STORE USER SERVER APP_ID USERSIG_FILE DEVICE\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0); /* who reads is told at once */
  device_init(&live.device);
  listener.on_event = on_event;
  options.listener = &listener;
  options.live_sync = 1;
  options.device_id = argv[6];
  code = device_open(&live.device, argv + 1, &options);
  if (code == ADIEU_OK) {
    run(&live);
    adieu_client_close(live.device.client);
  } else {
    fprintf(stderr, "live: %d: %s\n", (int)code, live.device.call.text);
  }
  device_destroy(&live.device);
  return code == ADIEU_OK ? 0 : 1;
}
