/* The vendor's C API against a real server: return values, JSON, events, bad input, ends. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tim/TIMCloud.h>
#include <time.h>
#include <unistd.h>

static int failures;

#define CHECK(CONDITION)                                                                           \
  do {                                                                                             \
    if (!(CONDITION)) {                                                                            \
      fprintf(stderr, "line %d: %s\n", __LINE__, #CONDITION);                                      \
      ++failures;                                                                                  \
    }                                                                                              \
  } while (0)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t main_thread;

/* How long a callback that blocks does so: a fifth of a second, or what ADIEU_TEST_BLOCK_SECONDS
 * says. */
static useconds_t blocked(void) {
  const char *seconds = getenv("ADIEU_TEST_BLOCK_SECONDS");
  return seconds != NULL ? (useconds_t)atoi(seconds) * 1000000 : 200000;
}

/* What one call, or all with the same user_data, was told. */
struct told {
  int count;
  int32_t code;
  int on_main, is_null;
  char json[4096];
};

static void tell(int32_t code, const char *desc, const char *json, const void *user_data) {
  struct told *told = (struct told *)user_data;
  pthread_mutex_lock(&lock);
  told->is_null = desc == NULL || json == NULL;
  told->on_main |= pthread_equal(pthread_self(), main_thread) != 0;
  told->code = code;
  if (json != NULL)
    snprintf(told->json, sizeof told->json, "%s", json);
  told->count++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

static int wait_for(struct told *told, int count) {
  struct timespec until;
  int seen;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 60 + (time_t)(blocked() / 1000000);
  pthread_mutex_lock(&lock);
  while (told->count < count && pthread_cond_timedwait(&changed, &lock, &until) == 0) {
  }
  seen = told->count;
  pthread_mutex_unlock(&lock);
  return seen == count;
}

/* The code of an accepted call; -1000 where nothing came, -2000 less what was returned. */
#define OUTCOME(TOLD, CALL) (memset(&(TOLD), 0, sizeof(TOLD)), outcome(&(TOLD), (CALL)))
static int outcome(struct told *told, int returned) {
  if (returned != TIM_SUCC)
    return -2000 + returned;
  if (!wait_for(told, 1) || told->is_null || told->on_main)
    return -1000;
  return told->code;
}

struct events {
  int count[5];
  char deleted[256];
};

static void hear(enum TIMConvEvent event, const char *json, const void *user_data) {
  struct events *events = (struct events *)user_data;
  pthread_mutex_lock(&lock);
  events->count[event]++;
  if (event == kTIMConvEvent_Del)
    snprintf(events->deleted, sizeof events->deleted, "%s", json);
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

static int has(const struct told *told, const char *text) {
  return strstr(told->json, text) != NULL;
}

static uint64_t app_id(void) { return strtoull(getenv("ADIEU_APP_ID"), NULL, 10); }

static int init(void) {
  char config[1024];
  snprintf(config, sizeof config, "{\"%s\":\"%s\",\"%s\":\"%s\"}", kTIMSdkConfigConfigFilePath,
           getenv("ADIEU_STORE"), kTIMSdkConfigServerUrl, getenv("ADIEU_SERVER_URL"));
  return TIMInit(app_id(), config);
}

static int log_in(void) {
  struct told told;
  return OUTCOME(told, TIMLogin(getenv("ADIEU_USER"), getenv("ADIEU_USER_SIG"), tell, &told));
}

static void before_a_login(void) {
  struct told told = {0, 0, 0, 0, ""};
  char *server = strdup(getenv("ADIEU_SERVER_URL"));
  CHECK(TIMConvDelete("bob", kTIMConv_C2C, tell, &told) == TIM_ERR_SDKUNINIT);
  CHECK(TIMLogin("alice", "sig", tell, &told) == TIM_ERR_SDKUNINIT);
  CHECK(TIMUninit() == TIM_ERR_SDKUNINIT);
  CHECK(TIMInit(app_id(), NULL) == TIM_ERR_JSON && TIMInit(app_id(), "[]") == TIM_ERR_JSON);
  CHECK(TIMInit(app_id(), "{") == TIM_ERR_JSON);
  unsetenv("ADIEU_SERVER_URL"); /* nowhere to delete */
  CHECK(TIMInit(app_id(), "{}") == TIM_ERR_PARAM);
  setenv("ADIEU_SERVER_URL", server, 1);
  free(server);
  CHECK(init() == TIM_SUCC && init() == TIM_ERR_PARAM);
  CHECK(TIMConvDelete("bob", kTIMConv_C2C, tell, &told) == TIM_ERR_NOTLOGIN);
  CHECK(TIMLogout(tell, &told) == TIM_ERR_NOTLOGIN);
  CHECK(TIMLogin(NULL, "sig", tell, &told) == TIM_ERR_PARAM);
  CHECK(TIMLogin("alice", NULL, tell, &told) == TIM_ERR_PARAM);
  CHECK(told.count == 0);
  CHECK(OUTCOME(told, TIMLogin("alice", "nonsense", tell, &told)) == 70003);
  CHECK(log_in() == 0);
  CHECK(strlen(TIMGetSDKVersion()) > 0);
}

static void the_list(void) {
  struct told told;
  CHECK(OUTCOME(told, TIMConvGetConvList(tell, &told)) == 0);
  CHECK(has(&told, "\"conv_id\":\"bob\",\"conv_type\":1"));
  CHECK(has(&told, "\"conv_id\":\"team\",\"conv_type\":2"));
  CHECK(has(&told, "\"text_elem_content\":\"message 3 of c2c_carol\""));
  CHECK(OUTCOME(told, TIMConvGetConvInfo("[{\"get_conversation_list_param_conv_id\":\"carol\","
                                         "\"get_conversation_list_param_conv_type\":1}]",
                                         tell, &told)) == 0);
  CHECK(has(&told, "\"conv_id\":\"carol\"") && !has(&told, "\"conv_id\":\"bob\""));
  CHECK(TIMConvGetConvInfo("{}", tell, &told) == TIM_ERR_JSON);
  CHECK(TIMConvGetConvInfo("[{}]", tell, &told) == TIM_ERR_CONV);
  CHECK(TIMConvGetConvInfo("[{\"get_conversation_list_param_conv_id\": \"bob\","
                           "\"get_conversation_list_param_conv_type\": 4294967297}]",
                           tell, &told) == TIM_ERR_CONV);
  CHECK(OUTCOME(told, TIMConvGetConversationListByFilter(
                          "{\"conversation_list_filter_conv_type\":2}", 0, 10, tell, &told)) == 0);
  CHECK(has(&told, "\"conversation_list_result_is_finished\":true") && has(&told, "\"team\""));
  CHECK(!has(&told, "\"bob\",\"conv_type\":1"));
  CHECK(TIMConvGetConversationListByFilter(NULL, 0, 10, tell, &told) == TIM_ERR_JSON);
  CHECK(TIMConvGetConversationListByFilter("{\"conversation_list_filter_conv_type\": 4294967297}", 0,
                                           10, tell, &told) == TIM_ERR_PARAM);
  CHECK(TIMConvGetConversationListByFilter("{}", 0, 0, tell, &told) == TIM_ERR_PARAM);
  CHECK(OUTCOME(told, TIMConvPinConversation("team", kTIMConv_Group, true, tell, &told)) == 0);
  CHECK(TIMConvSetDraft("team", kTIMConv_Group,
                        "{\"draft_msg\":{\"message_elem_array\":[{\"elem_type\":0,"
                        "\"text_elem_content\":\"Gr\xc3\xbc\xc3\x9f\x65\"}]}}") == TIM_SUCC);
  CHECK(TIMConvSetDraft("team", kTIMConv_Group, "draft") == TIM_ERR_JSON);
  CHECK(OUTCOME(told, TIMConvCleanConversationUnreadMessageCount("c2c_bob", 0, 0, tell, &told)) ==
        0);
  CHECK(TIMConvCleanConversationUnreadMessageCount("c2c_bob", 7, 0, tell, &told) == TIM_ERR_PARAM);
  CHECK(OUTCOME(told, TIMConvGetConvList(tell, &told)) == 0);
  CHECK(has(&told, "\"text_elem_content\":\"Gr\xc3\xbc\xc3\x9f\x65\""));
  CHECK(has(&told, "\"conv_is_pinned\":true"));
  CHECK(TIMConvCancelDraft("team", kTIMConv_Group) == TIM_SUCC);
}

static void bad_input(void) {
  struct told told = {0, 0, 0, 0, ""};
  CHECK(TIMConvDelete(NULL, kTIMConv_C2C, tell, &told) == TIM_ERR_PARAM);
  CHECK(TIMConvDelete("", kTIMConv_C2C, tell, &told) == TIM_ERR_PARAM);
  CHECK(TIMConvDelete("bob", kTIMConv_Invalid, tell, &told) == TIM_ERR_CONV);
  CHECK(TIMConvDelete("bob", (enum TIMConvType)77, tell, &told) == TIM_ERR_CONV);
  CHECK(TIMMsgClearHistoryMessage("x", kTIMConv_System, tell, &told) == TIM_ERR_CONV);
  CHECK(TIMConvDeleteConversationList(NULL, true, tell, &told) == TIM_ERR_JSON);
  CHECK(TIMConvDeleteConversationList("[1]", true, tell, &told) == TIM_ERR_JSON);
  CHECK(TIMConvDeleteConversationList("[", true, tell, &told) == TIM_ERR_JSON);
  CHECK(told.count == 0);
  CHECK(OUTCOME(told, TIMConvDelete("123456789012345678901234567890123", kTIMConv_C2C, tell,
                                    &told)) == 6017);
  CHECK(OUTCOME(told, TIMConvDelete("\xff", kTIMConv_Group, tell, &told)) == 6017);
  CHECK(OUTCOME(told, TIMConvDeleteConversationList("[]", true, tell, &told)) == 6017);
}

static void deletions(void) {
  static struct events events;
  struct told told;
  TIMSetConvEventCallback(hear, &events);
  CHECK(OUTCOME(told, TIMConvDelete("bob", kTIMConv_C2C, tell, &told)) == 0);
  CHECK(told.json[0] == '\0');
  CHECK(OUTCOME(told, TIMConvGetConvList(tell, &told)) == 0 && !has(&told, "\"bob\",\"conv_ty"));
  CHECK(events.count[kTIMConvEvent_Del] == 1);
  CHECK(strcmp(events.deleted, "[{\"conv_id\":\"bob\",\"conv_type\":1}]") == 0);
  TIMSetConvEventCallback(NULL, NULL);
  CHECK(TIMConvDelete("bob", kTIMConv_C2C, NULL, NULL) == TIM_SUCC);
  CHECK(OUTCOME(told, TIMConvDeleteConversationList("[\"c2c_carol\",\"carol\"]", true, tell,
                                                    &told)) == 0);
  CHECK(has(&told, "{\"conversation_operation_result_conversation_id\":\"c2c_carol\","
                   "\"conversation_operation_result_result_code\":0,"
                   "\"conversation_operation_result_result_info\":\"\"}"));
  CHECK(has(&told, "\"conversation_operation_result_result_code\":6017"));
  CHECK(OUTCOME(told, TIMMsgClearHistoryMessage("team", kTIMConv_Group, tell, &told)) == 0);
  CHECK(events.count[kTIMConvEvent_Del] == 1);
}

static void sleepy(int32_t code, const char *desc, const char *json, const void *user_data) {
  usleep(blocked());
  tell(code, desc, json, user_data);
}

/* While a callback blocks, callers do not; what they asked for is told afterwards. */
static void a_callback_that_blocks(void) {
  static struct told slow, behind;
  struct timespec begun, now;
  CHECK(TIMConvPinConversation("bob", kTIMConv_C2C, true, sleepy, &slow) == TIM_SUCC);
  clock_gettime(CLOCK_MONOTONIC, &begun);
  CHECK(TIMConvDelete("nobody", kTIMConv_C2C, tell, &behind) == TIM_SUCC);
  clock_gettime(CLOCK_MONOTONIC, &now);
  CHECK(now.tv_sec - begun.tv_sec < 5);
  usleep(blocked() / 2);
  CHECK(behind.count == 0);
  CHECK(wait_for(&slow, 1) && wait_for(&behind, 1) && slow.code == 0 && behind.code == 0);
}

/* A server whose authority nobody else knows is spoken to by who was told of it. */
static void authorities(void) {
  static char pem[4096], config[8192], store[1024];
  static const int codes[] = {6017, 0, 0};
  struct told told;
  int i;
  for (i = 0; i < 3 && getenv("ADIEU_TLS_URL") != NULL; ++i) { /* not under valgrind */
    size_t size = 0, at;
    FILE *file = i == 2 ? fopen(getenv("ADIEU_CA_CERTIFICATES"), "r") : NULL;
    strcpy(pem, i == 0 ? "no certificate" : "");
    if (file != NULL) {
      pem[fread(pem, 1, sizeof pem - 1, file)] = '\0';
      fclose(file);
    }
    snprintf(store, sizeof store, "%s/%d", getenv("ADIEU_STORE"), i);
    size = (size_t)snprintf(config, sizeof config, "{\"%s\":\"%s\",\"%s\":\"%s\",\"%s\":\"",
                            kTIMSdkConfigConfigFilePath, store, kTIMSdkConfigServerUrl,
                            getenv("ADIEU_TLS_URL"), kTIMSdkConfigCaCertificates);
    for (at = 0; pem[at] != '\0'; ++at)
      size += (size_t)sprintf(config + size, pem[at] == '\n' ? "\\n" : "%c", pem[at]);
    strcpy(config + size, "\"}");
    CHECK(TIMInit(app_id(), config) == TIM_SUCC);
    CHECK(log_in() == codes[i]);
    if (codes[i] == 0) {
      CHECK(OUTCOME(told, TIMConvGetConvList(tell, &told)) == 0);
      CHECK(has(&told, "team") == (i == 2));
    }
    CHECK(TIMUninit() == TIM_SUCC);
  }
}

/* Ends the SDK from a callback. */
static void end(int32_t code, const char *desc, const char *json, const void *user_data) {
  CHECK(TIMUninit() == TIM_SUCC);
  tell(code, desc, json, user_data);
}

static void many(int count) {
  static struct told told;
  int i;
  memset(&told, 0, sizeof told);
  for (i = 0; i < count; ++i)
    CHECK(TIMConvPinConversation("\xff", kTIMConv_C2C, true, tell, &told) == TIM_SUCC);
  if (count == 1000)
    CHECK(TIMUninit() == TIM_SUCC);
  CHECK(wait_for(&told, count));
  usleep(100000);
  CHECK(told.count == count);
}

int main(void) {
  struct told told;
  int code;
  main_thread = pthread_self();
  authorities();
  before_a_login();
  the_list();
  bad_input();
  a_callback_that_blocks();
  deletions();
  many(10000);
  CHECK(OUTCOME(told, TIMLogout(tell, &told)) == 0);
  CHECK(log_in() == 0);
  many(1000);
  CHECK(init() == TIM_SUCC && log_in() == 0);
  CHECK(OUTCOME(told, TIMConvPinConversation("team", kTIMConv_Group, false, end, &told)) == 0);
  CHECK(init() == TIM_SUCC);
  while ((code = log_in()) == 6005) /* until the last thread has gone */
    usleep(1000);
  CHECK(code == 0 && TIMUninit() == TIM_SUCC);
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
