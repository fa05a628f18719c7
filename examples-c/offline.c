/* A device that is without a network when its user deletes: the deletion waits, also through the
 * death of the app. It is run twice on one store:
 *
 *   offline delete STORE USER SERVER APP_ID USERSIG_FILE FOLDER CONVERSATION
 *     deletes with ADIEU_POLICY_QUEUE, waits until the library waits for the server, says how
 *     things stand, and then does nothing more, until somebody kills it;
 *
 *   offline resume STORE USER SERVER APP_ID USERSIG_FILE FOLDER CONVERSATION
 *     opens what the killed one left, says how things stand once the server was asked again in
 *     vain, waits for a line on standard input (there is a network again), tells the library,
 *     waits for the end of the deletion, has the store searched, and says how things stand.
 *
 * FOLDER/1.texts is written by the first and read by the second: what the conversation held.
 *
 * To standard output goes one JSON object a line:
 *
 *   {"event":"before","messages":12,"listed":1,"conversations":3}
 *   {"event":"conversation_deleted","conversation_id":"c2c_bob","cause":0,"after_ns":410000}
 *   {"event":"pending_changed", and the fields of "pending"}
 *   {"event":"pending","conversation_id":"c2c_bob","deletion_id":"00112233...","state":"waiting",
 *    "policy":"queue","attempts":1,"code":9511,"desc":"...","erased":1,
 *    "accepted_at_ms":1714550000000,"next_try_ms":1714550000731}
 *   {"event":"stands","messages":0,"listed":0,"conversations":2,"pending":1}
 *   {"event":"verified","searched":20,"found":0,"readable_records":0}
 *
 * "stands" ends the answer to "how do things stand".
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "json.h"

/* What is waited for comes within a second or two; this is for when something is broken. */
#define AT_MOST_S 30

/* What the listener has heard of the deletion, on a thread of the library. */
struct ear {
  pthread_mutex_t lock;
  pthread_cond_t heard;
  uint32_t state; /* the newest ADIEU_PENDING_ state; 0 before the first */
  uint64_t begun; /* when the deletion was asked for */
};

static void ear_init(struct ear *ear) {
  pthread_mutex_init(&ear->lock, NULL);
  pthread_cond_init(&ear->heard, NULL);
  ear->state = 0;
  ear->begun = now_ns();
}

static void ear_destroy(struct ear *ear) {
  pthread_cond_destroy(&ear->heard);
  pthread_mutex_destroy(&ear->lock);
}

/* Waits for that state, for so long and no longer. One that ends the deletion otherwise is an
 * answer too. */
static uint32_t wait_for(struct ear *ear, uint32_t wanted) {
  struct timespec end;
  uint32_t state;
  int late = 0;

  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += AT_MOST_S;
  pthread_mutex_lock(&ear->lock);
  while (ear->state != wanted && ear->state < ADIEU_PENDING_REFUSED && !late)
    late = pthread_cond_timedwait(&ear->heard, &ear->lock, &end) != 0;
  state = ear->state;
  pthread_mutex_unlock(&ear->lock);
  return state;
}

static const char *state_name(uint32_t state) {
  static const char *const names[] = {"",        "undoable", "asking",    "waiting",
                                      "refused", "done",     "cancelled", "failed"};

  return state < sizeof names / sizeof *names ? names[state] : "";
}

/* Lines come from two threads; each line is whole because its writer holds the stream. */
static void print_pending(const char *event, const adieu_pending_deletion *pending) {
  size_t i;

  flockfile(stdout);
  printf("{\"event\":\"%s\",\"conversation_id\":", event);
  json_string(stdout, pending->conversation_id);
  fputs(",\"deletion_id\":\"", stdout);
  for (i = 0; i < sizeof pending->deletion_id.bytes; i++)
    printf("%02x", pending->deletion_id.bytes[i]);
  printf("\",\"state\":\"%s\",\"policy\":\"%s\",\"attempts\":%" PRIu32 ",\"code\":%" PRId32
         ",\"desc\":",
         state_name(pending->state), pending->policy == ADIEU_POLICY_QUEUE ? "queue" : "",
         pending->attempts, pending->code);
  json_string(stdout, pending->desc);
  printf(",\"erased\":%" PRIu32 ",\"accepted_at_ms\":%" PRIu64 ",\"next_try_ms\":%" PRIu64 "}\n",
         pending->erased, pending->accepted_at_ms, pending->next_try_ms);
  funlockfile(stdout);
}

static void on_event(void *user_data, const adieu_event *event) {
  struct ear *ear = user_data;

  if (event->kind == ADIEU_EVENT_CONVERSATION_DELETED) {
    flockfile(stdout);
    fputs("{\"event\":\"conversation_deleted\",\"conversation_id\":", stdout);
    json_string(stdout, event->conversation_id);
    printf(",\"cause\":%" PRIu32 ",\"after_ns\":%" PRIu64 "}\n", event->cause,
           now_ns() - ear->begun);
    funlockfile(stdout);
  } else if (event->kind == ADIEU_EVENT_PENDING_CHANGED) {
    print_pending("pending_changed", event->pending);
    pthread_mutex_lock(&ear->lock);
    ear->state = event->pending->state;
    pthread_cond_signal(&ear->heard);
    pthread_mutex_unlock(&ear->lock);
  }
}

static void on_pending(void *user_data, const adieu_pending_deletion *const *pending,
                       size_t count) {
  struct device *device = user_data;
  size_t i;

  for (i = 0; i < count; i++)
    print_pending("pending", pending[i]);
  device->page = count;
  call_succeeded(&device->call);
}

/* How things stand: what the user can see, and what is pending. */
static int32_t stand(struct device *device, const char *id) {
  int32_t code;

  device->wanted = id;
  if ((code = call_wait(&device->call, adieu_list_pending(device->client, on_pending, call_failed,
                                                          device))) == ADIEU_OK) {
    size_t pending = device->page;

    if ((code = device_list(device)) == ADIEU_OK &&
        (code = device_history(device, id)) == ADIEU_OK)
      printf("{\"event\":\"stands\",\"messages\":%" PRIu64
             ",\"listed\":%d,\"conversations\":%lu,\"pending\":%lu}\n",
             device->messages, device->listed, (unsigned long)device->conversations,
             (unsigned long)pending);
  }
  fflush(stdout);
  return code;
}

/* The call stays open: success waits for the server. Its process does not live to see that; the
 * next one hears of it as an event. */
static void not_in_this_life(void *user_data) { (void)user_data; }
static void not_at_all(void *user_data, int32_t code, const char *desc) {
  (void)user_data;
  fprintf(stderr, "offline: %d: %s\n", (int)code, desc);
}

static int32_t delete_without_network(struct device *device, struct ear *ear, const char *id,
                                      const char *folder) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  struct text_set texts;
  int32_t code;

  text_set_init(&texts);
  code = device_gather(device, id, &texts, folder, 1);
  text_set_free(&texts);
  if (code != ADIEU_OK)
    return code;
  printf("{\"event\":\"before\",\"messages\":%" PRIu64 ",\"listed\":%d,\"conversations\":%lu}\n",
         device->messages, device->listed, (unsigned long)device->conversations);

  options.policy = ADIEU_POLICY_QUEUE;
  ear->begun = now_ns();
  code = adieu_delete_conversation_with_options(device->client, id, &options, not_in_this_life,
                                                not_at_all, NULL);
  if (code != ADIEU_OK)
    return code;
  wait_for(ear, ADIEU_PENDING_WAITING);
  if ((code = stand(device, id)) == ADIEU_OK)
    for (;;)
      pause(); /* whoever runs this kills it here */
  return code;
}

/* What the killed process had gathered. */
static int read_texts(struct text_set *texts, const char *folder) {
  char path[4096], *all = NULL;
  size_t at, size = 0;
  FILE *file;
  int good;

  snprintf(path, sizeof path, "%s/1.texts", folder);
  if ((file = fopen(path, "rb")) == NULL)
    return -1;
  if (fseek(file, 0, SEEK_END) == 0 && ftell(file) > 0)
    size = (size_t)ftell(file);
  rewind(file);
  good = size > 0 && (all = malloc(size)) != NULL && fread(all, size, 1, file) == 1 &&
         all[size - 1] == '\0';
  for (at = 0; good && at < size; at += strlen(all + at) + 1)
    good = text_set_add(texts, all + at) == 0;
  free(all);
  fclose(file);
  return good ? 0 : -1;
}

static int32_t resume(struct device *device, struct ear *ear, const char *id,
                      const char *folder) {
  struct text_set texts;
  char line[16];
  int32_t code;

  /* The library asks the server again as soon as the store is open, in vain. */
  wait_for(ear, ADIEU_PENDING_WAITING);
  if ((code = stand(device, id)) != ADIEU_OK)
    return code;
  if (fgets(line, sizeof line, stdin) == NULL)
    return ADIEU_ERR_NETWORK_UNREACHABLE;
  if ((code = adieu_network_changed(device->client, 1)) != ADIEU_OK)
    return code;
  if (wait_for(ear, ADIEU_PENDING_DONE) != ADIEU_PENDING_DONE)
    return ADIEU_ERR_OUTCOME_UNKNOWN; /* the line above says which state it is in */

  text_set_init(&texts);
  if (read_texts(&texts, folder) != 0)
    code = ADIEU_ERR_STORE_IO;
  else
    code = device_verify(device, id, &texts);
  text_set_free(&texts);
  if (code != ADIEU_OK)
    return code;
  printf("{\"event\":\"verified\",\"searched\":%" PRIu64 ",\"found\":%" PRIu64
         ",\"readable_records\":%" PRIu64 "}\n",
         device->verification.searched, device->verification.found,
         device->verification.readable_records);
  return stand(device, id);
}

int main(int argc, char **argv) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  adieu_listener listener = ADIEU_LISTENER_INIT;
  struct device device;
  struct ear ear;
  int32_t code;

  if (argc != 9 || (strcmp(argv[1], "delete") != 0 && strcmp(argv[1], "resume") != 0)) {
    fprintf(stderr, "usage: offline delete|resume "
                    "STORE USER SERVER APP_ID USERSIG_FILE FOLDER CONVERSATION\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0); /* who reads is told at once */
  device_init(&device);
  ear_init(&ear);
  listener.on_event = on_event;
  listener.user_data = &ear;
  options.listener = &listener;
  code = device_open(&device, argv + 2, &options);
  if (code == ADIEU_OK) {
    if (strcmp(argv[1], "delete") == 0)
      code = delete_without_network(&device, &ear, argv[8], argv[7]);
    else
      code = resume(&device, &ear, argv[8], argv[7]);
    adieu_client_close(device.client);
  }
  if (code != ADIEU_OK)
    fprintf(stderr, "offline: %d: %s\n", (int)code,
            device.call.text[0] != '\0' ? device.call.text : adieu_strerror(code));
  ear_destroy(&ear);
  device_destroy(&device);
  return code == ADIEU_OK ? 0 : 1;
}
