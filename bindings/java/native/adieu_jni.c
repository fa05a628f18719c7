/* adieu.h for a JVM. Text goes both ways as bytes in UTF-8; outcomes and events go to the
 * interfaces of adieu.jni.Native, on the thread of the library that delivers. */
#include <adieu.h>
#include <jni.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <pthread.h>
#endif

static JavaVM *vm;
static jclass conversation_class, result_class;
static jmethodID new_conversation, new_result, on_done, on_event;

/* Threads. A thread of the library is attached at its first callback and detached when it ends. */

#ifndef _WIN32
static pthread_key_t attached;
static void detach(void *env) {
  (void)env;
  (*vm)->DetachCurrentThread(vm);
}
#endif

static JNIEnv *attach(int *detach_after) {
  JavaVMAttachArgs arguments = {JNI_VERSION_1_6, (char *)"adieu-callback", NULL};
  void *env = NULL;
  *detach_after = 0;
  if ((*vm)->GetEnv(vm, &env, JNI_VERSION_1_6) == JNI_OK)
    return env;
#ifdef __ANDROID__
  if ((*vm)->AttachCurrentThreadAsDaemon(vm, (JNIEnv **)&env, &arguments) != JNI_OK)
    return NULL;
#else
  if ((*vm)->AttachCurrentThreadAsDaemon(vm, &env, &arguments) != JNI_OK)
    return NULL; /* the JVM is ending: nobody is there to be told */
#endif
#ifdef _WIN32
  *detach_after = 1;
#else
  pthread_setspecific(attached, env);
#endif
  return env;
}

static void leave(int detach_after) {
  if (detach_after)
    (*vm)->DetachCurrentThread(vm);
}

/* Java has contained what the app throws; what is left is a lack of memory. */
static void clear(JNIEnv *env) {
  if ((*env)->ExceptionCheck(env)) {
    (*env)->ExceptionDescribe(env);
    (*env)->ExceptionClear(env);
  }
}

/* Values. */

static jbyteArray bytes(JNIEnv *env, const char *text) {
  const jsize size = (jsize)strlen(text);
  jbyteArray array = (*env)->NewByteArray(env, size);
  if (array != NULL)
    (*env)->SetByteArrayRegion(env, array, 0, size, (const jbyte *)text);
  return array;
}

/* A C string; NULL for null, and where there is no memory. */
static char *copied(JNIEnv *env, jbyteArray array) {
  jsize size;
  char *text;
  if (array == NULL)
    return NULL;
  size = (*env)->GetArrayLength(env, array);
  text = malloc((size_t)size + 1);
  if (text != NULL) {
    (*env)->GetByteArrayRegion(env, array, 0, size, (jbyte *)text);
    text[size] = '\0';
  }
  return text;
}

static adieu_client *client(jlong handle) { return (adieu_client *)(intptr_t)handle; }

static jobject conversation(JNIEnv *env, const adieu_conversation *it) {
  const adieu_message *last = it->last_message;
  return (*env)->NewObject(
      env, conversation_class, new_conversation, bytes(env, it->conversation_id),
      bytes(env, it->title), bytes(env, it->draft), (jlong)it->unread_count, (jlong)it->marks,
      (jboolean)(it->pinned != 0), last != NULL ? bytes(env, last->sender) : NULL,
      last != NULL ? bytes(env, last->text) : NULL, last != NULL ? (jlong)last->time : 0,
      last != NULL ? (jlong)last->position : 0);
}

/* Outcomes: the user_data of a call is a global reference to who waits for it. */

static void done(JNIEnv *env, jobject waiting, int32_t code, const char *desc, jobject value) {
  jbyteArray why = code != ADIEU_OK ? bytes(env, desc) : NULL;
  (*env)->CallVoidMethod(env, waiting, on_done, (jint)code, why, value);
  clear(env);
  (*env)->DeleteGlobalRef(env, waiting);
}

static void call_error(void *waiting, int32_t code, const char *desc) {
  int detach_after;
  JNIEnv *env = attach(&detach_after);
  if (env == NULL || (*env)->PushLocalFrame(env, 16) != 0)
    return;
  done(env, waiting, code, desc, NULL);
  (*env)->PopLocalFrame(env, NULL);
  leave(detach_after);
}

static void call_success(void *waiting) { call_error(waiting, ADIEU_OK, ""); }

/* An array with one object for each of `count`; what `make` leaves behind is freed one by one. */
typedef jobject (*make_object)(JNIEnv *env, const void *list, size_t index);

static void call_values(void *waiting, const void *list, size_t count, jclass of,
                        make_object make) {
  int detach_after;
  JNIEnv *env = attach(&detach_after);
  jobjectArray array;
  size_t i;
  if (env == NULL || (*env)->PushLocalFrame(env, 16) != 0)
    return;
  array = (*env)->NewObjectArray(env, (jsize)count, of, NULL);
  for (i = 0; array != NULL && i < count; ++i) {
    jobject one = NULL;
    if ((*env)->PushLocalFrame(env, 16) != 0)
      break;
    one = (*env)->PopLocalFrame(env, make(env, list, i));
    if (one == NULL)
      break;
    (*env)->SetObjectArrayElement(env, array, (jsize)i, one);
    (*env)->DeleteLocalRef(env, one);
  }
  if ((*env)->ExceptionCheck(env)) {
    clear(env);
    done(env, waiting, ADIEU_ERR_PANIC, "no memory for the answer", NULL);
  } else {
    done(env, waiting, ADIEU_OK, "", array);
  }
  (*env)->PopLocalFrame(env, NULL);
  leave(detach_after);
}

static jobject nth_conversation(JNIEnv *env, const void *list, size_t index) {
  return conversation(env, ((const adieu_conversation *const *)list)[index]);
}

static void call_conversations(void *waiting, const adieu_conversation *const *list, size_t count) {
  call_values(waiting, list, count, conversation_class, nth_conversation);
}

static jobject nth_result(JNIEnv *env, const void *list, size_t index) {
  const adieu_deletion_result *it = ((const adieu_deletion_result *const *)list)[index];
  return (*env)->NewObject(env, result_class, new_result, bytes(env, it->conversation_id),
                           (jint)it->code, bytes(env, it->desc));
}

static void call_results(void *waiting, const adieu_deletion_result *const *results, size_t count) {
  call_values(waiting, results, count, result_class, nth_result);
}

/* Events: the user_data of a listener is a global reference too. */

static void event(void *listener, const adieu_event *it) {
  int detach_after;
  JNIEnv *env = attach(&detach_after);
  if (env == NULL || (*env)->PushLocalFrame(env, 32) != 0)
    return;
  (*env)->CallVoidMethod(env, listener, on_event, (jint)it->kind, (jint)it->sync_state,
                         bytes(env, it->conversation_id),
                         it->conversation != NULL ? conversation(env, it->conversation) : NULL,
                         (jlong)it->total_unread, (jint)it->code, bytes(env, it->desc));
  clear(env);
  (*env)->PopLocalFrame(env, NULL);
  leave(detach_after);
}

static void forget(void *listener) {
  int detach_after;
  JNIEnv *env = attach(&detach_after);
  if (env != NULL)
    (*env)->DeleteGlobalRef(env, listener);
  leave(detach_after);
}

/* Functions of adieu.jni.Native: what they return is the library's code. */

#define NATIVE(TYPE, NAME) JNIEXPORT TYPE JNICALL Java_adieu_jni_Native_##NAME

/* What waits belongs to its callback, or, for a refused call, to nobody. */
static jint accepted(JNIEnv *env, jobject waiting, int32_t code) {
  if (code != ADIEU_OK)
    (*env)->DeleteGlobalRef(env, waiting);
  return code;
}

enum { TEXTS = 5 };

NATIVE(jint, open)
(JNIEnv *env, jclass class, jobjectArray texts, jlong app_id, jobject listener, jlongArray handle,
 jobjectArray error) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  adieu_listener events = ADIEU_LISTENER_INIT;
  adieu_client *opened = NULL;
  char *text[TEXTS], why[512] = "";
  jlong number;
  int32_t code;
  int i;
  (void)class;
  for (i = 0; i < TEXTS; ++i) {
    jbyteArray one = (*env)->GetObjectArrayElement(env, texts, i);
    text[i] = copied(env, one);
    (*env)->DeleteLocalRef(env, one);
  }
  options.store_path = text[0];
  options.user_id = text[1];
  options.server_url = text[2];
  options.user_sig = text[3];
  options.ca_certificates = text[4];
  options.sdk_app_id = (uint64_t)app_id;
  options.live_sync = 1;
  events.on_event = event;
  events.user_data = (*env)->NewGlobalRef(env, listener);
  events.user_data_destructor = forget;
  options.listener = &events;
  code = adieu_client_open(&options, &opened, why, sizeof why);
  for (i = 0; i < TEXTS; ++i)
    free(text[i]);
  if (code != ADIEU_OK) {
    jbyteArray said = bytes(env, why[0] != '\0' ? why : adieu_strerror(code));
    if (said != NULL)
      (*env)->SetObjectArrayElement(env, error, 0, said);
  }
  number = (jlong)(intptr_t)opened;
  (*env)->SetLongArrayRegion(env, handle, 0, 1, &number);
  return code;
}

NATIVE(jint, close)(JNIEnv *env, jclass class, jlong handle) {
  (void)env, (void)class;
  return adieu_client_close(client(handle));
}

NATIVE(jint, closeAsync)(JNIEnv *env, jclass class, jlong handle, jobject waiting) {
  (void)class;
  waiting = (*env)->NewGlobalRef(env, waiting);
  return accepted(env, waiting, adieu_client_close_async(client(handle), call_success, waiting));
}

NATIVE(jint, signIn)(JNIEnv *env, jclass class, jlong handle, jbyteArray user_sig) {
  char *sig = copied(env, user_sig);
  const int32_t code = adieu_sign_in(client(handle), sig);
  (void)class;
  free(sig);
  return code;
}

NATIVE(jint, pull)(JNIEnv *env, jclass class, jlong handle, jobject waiting) {
  (void)class;
  waiting = (*env)->NewGlobalRef(env, waiting);
  return accepted(env, waiting, adieu_pull(client(handle), call_success, call_error, waiting));
}

NATIVE(jint, list)(JNIEnv *env, jclass class, jlong handle, jobject waiting) {
  (void)class;
  waiting = (*env)->NewGlobalRef(env, waiting);
  return accepted(
      env, waiting,
      adieu_list_conversations(client(handle), call_conversations, call_error, waiting));
}

NATIVE(jint, delete)(JNIEnv *env, jclass class, jlong handle, jbyteArray id, jobject waiting) {
  char *text = copied(env, id);
  int32_t code;
  (void)class;
  waiting = (*env)->NewGlobalRef(env, waiting);
  code = adieu_delete_conversation(client(handle), text, call_success, call_error, waiting);
  free(text);
  return accepted(env, waiting, code);
}

NATIVE(jint, deleteAll)
(JNIEnv *env, jclass class, jlong handle, jobjectArray ids, jboolean keep, jobject waiting) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  const jsize count = (*env)->GetArrayLength(env, ids);
  char **texts = calloc((size_t)count + 1, sizeof *texts);
  int32_t code = ADIEU_ERR_INVALID_ARGUMENT;
  jsize i;
  (void)class;
  options.keep_history = keep != JNI_FALSE;
  waiting = (*env)->NewGlobalRef(env, waiting);
  for (i = 0; texts != NULL && i < count; ++i) {
    jbyteArray one = (*env)->GetObjectArrayElement(env, ids, i);
    texts[i] = copied(env, one);
    (*env)->DeleteLocalRef(env, one);
  }
  if (texts != NULL)
    code = adieu_delete_conversations(client(handle), (const char *const *)texts, (size_t)count,
                                      &options, call_results, call_error, waiting);
  for (i = 0; texts != NULL && i < count; ++i)
    free(texts[i]);
  free(texts);
  return accepted(env, waiting, code);
}

NATIVE(jint, clearHistory)
(JNIEnv *env, jclass class, jlong handle, jbyteArray id, jobject waiting) {
  char *text = copied(env, id);
  int32_t code;
  (void)class;
  waiting = (*env)->NewGlobalRef(env, waiting);
  code = adieu_clear_history(client(handle), text, NULL, call_success, call_error, waiting);
  free(text);
  return accepted(env, waiting, code);
}

NATIVE(jint, pin)
(JNIEnv *env, jclass class, jlong handle, jbyteArray id, jboolean pinned, jobject waiting) {
  char *text = copied(env, id);
  int32_t code;
  (void)class;
  waiting = (*env)->NewGlobalRef(env, waiting);
  code = adieu_pin_conversation(client(handle), text, pinned != JNI_FALSE, call_success, call_error,
                                waiting);
  free(text);
  return accepted(env, waiting, code);
}

NATIVE(jint, setDraft)
(JNIEnv *env, jclass class, jlong handle, jbyteArray id, jbyteArray draft, jobject waiting) {
  char *text = copied(env, id), *drafted = copied(env, draft);
  int32_t code;
  (void)class;
  waiting = (*env)->NewGlobalRef(env, waiting);
  code = adieu_set_draft(client(handle), text, drafted, call_success, call_error, waiting);
  free(text);
  free(drafted);
  return accepted(env, waiting, code);
}

NATIVE(jint, markRead)
(JNIEnv *env, jclass class, jlong handle, jbyteArray id, jlong through, jobject waiting) {
  char *text = copied(env, id);
  int32_t code;
  (void)class;
  waiting = (*env)->NewGlobalRef(env, waiting);
  code =
      adieu_mark_read(client(handle), text, (uint64_t)through, call_success, call_error, waiting);
  free(text);
  return accepted(env, waiting, code);
}

NATIVE(jbyteArray, version)(JNIEnv *env, jclass class) {
  (void)class;
  return bytes(env, adieu_version());
}

NATIVE(jbyteArray, strerror)(JNIEnv *env, jclass class, jint code) {
  (void)class;
  return bytes(env, adieu_strerror(code));
}

/* Names that the C side needs; 0 where one is missing. */
static int find_names(JNIEnv *env) {
  jclass waiting = (*env)->FindClass(env, "adieu/jni/Native$Waiting");
  jclass listener = (*env)->FindClass(env, "adieu/jni/Native$Listener");
  jclass one = (*env)->FindClass(env, "adieu/jni/Native$Conversation");
  jclass result = (*env)->FindClass(env, "adieu/jni/Native$Result");
  if (waiting == NULL || listener == NULL || one == NULL || result == NULL)
    return 0;
  conversation_class = (*env)->NewGlobalRef(env, one);
  result_class = (*env)->NewGlobalRef(env, result);
  new_conversation = (*env)->GetMethodID(env, one, "<init>", "([B[B[BJJZ[B[BJJ)V");
  new_result = (*env)->GetMethodID(env, result, "<init>", "([BI[B)V");
  on_done = (*env)->GetMethodID(env, waiting, "done", "(I[BLjava/lang/Object;)V");
  on_event =
      (*env)->GetMethodID(env, listener, "event", "(II[BLadieu/jni/Native$Conversation;JI[B)V");
  return new_conversation != NULL && new_result != NULL && on_done != NULL && on_event != NULL;
}

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *loaded, void *reserved) {
  const uint32_t abi = adieu_abi_version();
  void *env = NULL;
  (void)reserved;
  vm = loaded;
  if (abi >> 16 != ADIEU_ABI_MAJOR || (abi & 0xffff) < ADIEU_ABI_MINOR)
    return JNI_ERR; /* another libadieu than the one that this was compiled for */
  if ((*vm)->GetEnv(vm, &env, JNI_VERSION_1_6) != JNI_OK || !find_names(env))
    return JNI_ERR;
#ifndef _WIN32
  if (pthread_key_create(&attached, detach) != 0)
    return JNI_ERR;
#endif
  return JNI_VERSION_1_6;
}
