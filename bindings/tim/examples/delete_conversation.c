/* Deletes one conversation for good, with the vendor's C API.
 *
 *   ADIEU_USER_SIG=... delete_conversation STORE USER SERVER APP_ID CONVERSATION
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tim/TIMCloud.h>

struct outcome {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int known;
  int32_t code;
};

/* On a thread of the library. */
static void told(int32_t code, const char *desc, const char *json_params, const void *user_data) {
  struct outcome *outcome = (struct outcome *)user_data;
  (void)json_params;
  if (code != 0)
    fprintf(stderr, "%d: %s\n", (int)code, desc);
  pthread_mutex_lock(&outcome->lock);
  outcome->known = 1;
  outcome->code = code;
  pthread_cond_signal(&outcome->changed);
  pthread_mutex_unlock(&outcome->lock);
}

static int succeeded(int accepted, struct outcome *outcome) {
  int32_t code;
  if (accepted != TIM_SUCC) /* no callback follows */
    return fprintf(stderr, "refused: %d\n", accepted), 0;
  pthread_mutex_lock(&outcome->lock);
  while (!outcome->known)
    pthread_cond_wait(&outcome->changed, &outcome->lock);
  outcome->known = 0;
  code = outcome->code;
  pthread_mutex_unlock(&outcome->lock);
  return code == 0;
}

int main(int argc, char **argv) {
  struct outcome outcome = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
  const char *sig = getenv("ADIEU_USER_SIG");
  char config[1024];
  int done;

  if (argc != 6)
    return fprintf(stderr, "STORE USER SERVER APP_ID CONVERSATION\n"), 2;
  snprintf(config, sizeof config, "{\"%s\":\"%s\",\"%s\":\"%s\"}", kTIMSdkConfigConfigFilePath,
           argv[1], kTIMSdkConfigServerUrl, argv[3]);
  done = TIMInit(strtoull(argv[4], NULL, 10), config) == TIM_SUCC &&
         succeeded(TIMLogin(argv[2], sig != NULL ? sig : "", told, &outcome), &outcome);
  if (done) {
    const int is_group = strncmp(argv[5], "group_", 6) == 0;
    const enum TIMConvType type = is_group ? kTIMConv_Group : kTIMConv_C2C;
    const char *id = argv[5] + (is_group ? 6 : 4);
    done = succeeded(TIMConvDelete(id, type, told, &outcome), &outcome);
  }
  printf("%s: %s\n", argv[5], done ? "deleted for good" : "not deleted");
  TIMUninit();
  return done ? 0 : 1;
}
