/* adieu.h for JavaScript, over Node-API: one promise for each call, and nothing else. The library
 * asks for the loop with its post hook; callbacks then run inside adieu_client_poll, on the thread
 * of JavaScript. index.js makes the vendor's API of it. */
#define NAPI_VERSION 8
#include <adieu.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <pthread.h>
#endif

/* One client of one environment (the main thread, or a worker). */
struct client {
  napi_env env;
  adieu_client *handle;
  napi_threadsafe_function wake;
  napi_ref listener;
  napi_ref self; /* keeps the external that JavaScript has until the client is closed */
  uintptr_t id;  /* what the post hook is given */
  struct client *next;
  int closed, ending; /* ending: the environment goes, and nothing of it may be called */
  /* While it is opened. */
  napi_async_work work;
  napi_deferred opening;
  adieu_client_options options;
  char *texts[5];
  char why[256];
  int32_t code;
};

/* One call under way. */
struct call {
  struct client *client;
  napi_deferred deferred;
};

/* Clients that are open. The post hook may still run when a client has told that it is closed, so
 * it is given a number that is looked up. */
static struct client *clients;
static uintptr_t last_id;

#ifdef _WIN32
static SRWLOCK lock = SRWLOCK_INIT;
static void acquire(void) { AcquireSRWLockExclusive(&lock); }
static void release(void) { ReleaseSRWLockExclusive(&lock); }
#else
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void acquire(void) { pthread_mutex_lock(&lock); }
static void release(void) { pthread_mutex_unlock(&lock); }
#endif

static void on_post(void *data) {
  struct client *it;
  acquire();
  for (it = clients; it != NULL && it->id != (uintptr_t)data; it = it->next) {
  }
  if (it != NULL)
    napi_call_threadsafe_function(it->wake, NULL, napi_tsfn_nonblocking);
  release();
}

static void enlist(struct client *client) {
  acquire();
  client->id = ++last_id;
  client->next = clients;
  clients = client;
  release();
}

static void delist(struct client *client) {
  struct client **it;
  acquire();
  for (it = &clients; *it != NULL && *it != client; it = &(*it)->next) {
  }
  if (*it != NULL)
    *it = client->next;
  release();
}

/* Values. */

static napi_value text(napi_env env, const char *text) {
  napi_value value = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

static napi_value number(napi_env env, double number) {
  napi_value value = NULL;
  napi_create_double(env, number, &value);
  return value;
}

static napi_value undefined(napi_env env) {
  napi_value value = NULL;
  napi_get_undefined(env, &value);
  return value;
}

static napi_value object(napi_env env) {
  napi_value value = NULL;
  napi_create_object(env, &value);
  return value;
}

static void set(napi_env env, napi_value object, const char *name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

static napi_value error(napi_env env, int32_t code, const char *desc) {
  napi_value error = NULL;
  napi_create_error(env, NULL, text(env, desc), &error);
  set(env, error, "code", number(env, code));
  return error;
}

/* A copy in UTF-8; NULL for what is no string. A NUL within becomes U+0001, which no id may hold,
 * so that no id is taken for a shorter one. */
static char *copied(napi_env env, napi_value value) {
  size_t size = 0, i;
  char *copy;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &size) != napi_ok ||
      (copy = malloc(size + 1)) == NULL)
    return NULL;
  napi_get_value_string_utf8(env, value, copy, size + 1, &size);
  for (i = 0; i < size; ++i)
    if (copy[i] == '\0')
      copy[i] = '\1';
  return copy;
}

static napi_value conversation(napi_env env, const adieu_conversation *it) {
  napi_value made = object(env), marks = NULL, pinned = NULL;
  napi_create_bigint_uint64(env, it->marks, &marks);
  napi_get_boolean(env, it->pinned != 0, &pinned);
  set(env, made, "conversationID", text(env, it->conversation_id));
  set(env, made, "title", text(env, it->title));
  set(env, made, "draft", text(env, it->draft));
  set(env, made, "messageCount", number(env, (double)it->message_count));
  set(env, made, "unreadCount", number(env, (double)it->unread_count));
  set(env, made, "marks", marks);
  set(env, made, "isPinned", pinned);
  if (it->last_message != NULL) {
    napi_value last = object(env);
    set(env, last, "from", text(env, it->last_message->sender));
    set(env, last, "time", number(env, (double)it->last_message->time));
    set(env, last, "sequence", number(env, (double)it->last_message->position));
    set(env, last, "text", text(env, it->last_message->text));
    set(env, made, "lastMessage", last);
  }
  return made;
}

/* Outcomes. */

/* Ends a call: its promise, unless the environment goes. */
static void settle(struct call *call, int32_t code, const char *desc, napi_value value) {
  napi_env env = call->client->env;
  if (!call->client->ending) {
    if (code == ADIEU_OK)
      napi_resolve_deferred(env, call->deferred, value != NULL ? value : undefined(env));
    else
      napi_reject_deferred(env, call->deferred, error(env, code, desc));
  }
  free(call);
}

/* A handle scope for each callback: one poll may bring thousands. */
static void on_error(void *data, int32_t code, const char *desc) {
  struct call *call = data;
  napi_env env = call->client->env;
  napi_handle_scope scope = NULL;
  if (!call->client->ending)
    napi_open_handle_scope(env, &scope);
  settle(call, code, desc, NULL);
  if (scope != NULL)
    napi_close_handle_scope(env, scope);
}

static void on_success(void *data) { on_error(data, ADIEU_OK, ""); }

static void on_conversations(void *data, const adieu_conversation *const *list, size_t count) {
  struct call *call = data;
  napi_env env = call->client->env;
  napi_handle_scope scope = NULL;
  napi_value array = NULL;
  size_t i;
  if (call->client->ending) {
    free(call);
    return;
  }
  napi_open_handle_scope(env, &scope);
  napi_create_array_with_length(env, count, &array);
  for (i = 0; i < count; ++i)
    napi_set_element(env, array, (uint32_t)i, conversation(env, list[i]));
  settle(call, ADIEU_OK, "", array);
  napi_close_handle_scope(env, scope);
}

static void on_results(void *data, const adieu_deletion_result *const *results, size_t count) {
  struct call *call = data;
  napi_env env = call->client->env;
  napi_handle_scope scope = NULL;
  napi_value array = NULL;
  size_t i;
  if (call->client->ending) {
    free(call);
    return;
  }
  napi_open_handle_scope(env, &scope);
  napi_create_array_with_length(env, count, &array);
  for (i = 0; i < count; ++i) {
    napi_value one = object(env);
    set(env, one, "conversationID", text(env, results[i]->conversation_id));
    set(env, one, "code", number(env, results[i]->code));
    set(env, one, "message", text(env, results[i]->desc));
    napi_set_element(env, array, (uint32_t)i, one);
  }
  settle(call, ADIEU_OK, "", array);
  napi_close_handle_scope(env, scope);
}

static void on_event(void *data, const adieu_event *event) {
  struct client *client = data;
  napi_env env = client->env;
  napi_handle_scope scope = NULL;
  napi_value made, listener = NULL, thrown = NULL;
  if (client->ending)
    return;
  napi_open_handle_scope(env, &scope);
  made = object(env);
  set(env, made, "kind", number(env, event->kind));
  set(env, made, "cause", number(env, event->cause));
  set(env, made, "scope", number(env, event->scope));
  set(env, made, "syncState", number(env, event->sync_state));
  set(env, made, "conversationID", text(env, event->conversation_id));
  set(env, made, "code", number(env, event->code));
  set(env, made, "message", text(env, event->desc));
  set(env, made, "totalUnread", number(env, (double)event->total_unread));
  if (event->conversation != NULL)
    set(env, made, "conversation", conversation(env, event->conversation));
  napi_get_reference_value(env, client->listener, &listener);
  if (napi_call_function(env, undefined(env), listener, 1, &made, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &thrown) == napi_ok)
    napi_fatal_exception(env, thrown); /* as for every listener in Node */
  napi_close_handle_scope(env, scope);
}

/* A client's life. */

static void on_environment_end(void *data) {
  struct client *client = data;
  client->ending = 1;
  if (client->handle != NULL)
    adieu_client_close(client->handle); /* what is left is delivered here, and goes nowhere */
  delist(client);
}

/* The last callback has come: JavaScript may let go of it, and the process may end. */
static void let_go(struct client *client) {
  delist(client);
  napi_remove_env_cleanup_hook(client->env, on_environment_end, client);
  napi_release_threadsafe_function(client->wake, napi_tsfn_release);
  napi_delete_reference(client->env, client->listener);
  napi_delete_reference(client->env, client->self); /* the last: it may free the client */
}

/* On the thread of JavaScript, when the library has asked for it. */
static void on_wake(napi_env env, napi_value callback, void *context, void *data) {
  struct client *client = context;
  (void)callback, (void)data;
  if (env == NULL || client->ending || client->closed)
    return;
  adieu_client_poll(client->handle);
  if (client->closed)
    let_go(client);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  free(data);
}

static void on_closed(void *data) {
  struct call *call = data;
  call->client->closed = 1;
  on_success(data);
}

/* On a thread of libuv: it reads the store from the disk. */
static void open_store(napi_env env, void *data) {
  struct client *client = data;
  adieu_listener listener = ADIEU_LISTENER_INIT;
  (void)env;
  listener.on_event = on_event;
  listener.user_data = client;
  client->options.listener = &listener;
  client->code =
      adieu_client_open(&client->options, &client->handle, client->why, sizeof client->why);
}

static void opened(napi_env env, napi_status status, void *data) {
  struct client *client = data;
  napi_value self = NULL;
  size_t i;
  for (i = 0; i < sizeof client->texts / sizeof client->texts[0]; ++i)
    free(client->texts[i]);
  napi_delete_async_work(env, client->work);
  if (status != napi_ok || client->code != ADIEU_OK) {
    const char *why = client->why[0] != '\0' ? client->why : adieu_strerror(client->code);
    napi_reject_deferred(
        env, client->opening,
        error(env, client->code != ADIEU_OK ? client->code : ADIEU_ERR_CANCELLED, why));
    let_go(client);
    return;
  }
  napi_get_reference_value(env, client->self, &self);
  napi_resolve_deferred(env, client->opening, self);
  on_wake(env, NULL, client, NULL); /* what was posted before there was a handle */
}

static napi_value property(napi_env env, napi_value object, const char *name) {
  napi_value value = NULL;
  napi_get_named_property(env, object, name, &value);
  return value;
}

/* open(options, listener): a promise for what all other functions take first. */
static napi_value open_client(napi_env env, napi_callback_info info) {
  static const char *const names[] = {"storePath", "userID", "serverURL", "deviceID", "userSig"};
  struct client *client = calloc(1, sizeof *client);
  napi_value arguments[2], promise = NULL, self = NULL;
  size_t count = 2, i;
  double app_id = 0;
  bool live = false;
  if (client == NULL || napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) {
    free(client);
    return undefined(env);
  }
  client->env = env;
  for (i = 0; i < 5; ++i)
    client->texts[i] = copied(env, property(env, arguments[0], names[i]));
  napi_get_value_double(env, property(env, arguments[0], "sdkAppID"), &app_id);
  napi_get_value_bool(env, property(env, arguments[0], "liveSync"), &live);
  enlist(client);
  client->options = (adieu_client_options)ADIEU_CLIENT_OPTIONS_INIT;
  client->options.delivery = ADIEU_DELIVER_BY_POLL;
  client->options.post = on_post;
  client->options.post_data = (void *)client->id;
  client->options.store_path = client->texts[0];
  client->options.user_id = client->texts[1];
  client->options.server_url = client->texts[2];
  client->options.device_id = client->texts[3];
  client->options.user_sig = client->texts[4];
  client->options.sdk_app_id = app_id > 0 ? (uint64_t)app_id : 0;
  client->options.live_sync = live;
  napi_create_reference(env, arguments[1], 1, &client->listener);
  napi_create_external(env, client, finalize, NULL, &self);
  napi_create_reference(env, self, 1, &client->self);
  napi_create_threadsafe_function(env, NULL, NULL, text(env, "adieu"), 0, 1, NULL, NULL, client,
                                  on_wake, &client->wake);
  napi_add_env_cleanup_hook(env, on_environment_end, client);
  napi_create_promise(env, &client->opening, &promise);
  napi_create_async_work(env, NULL, text(env, "adieu"), open_store, opened, client, &client->work);
  napi_queue_async_work(env, client->work);
  return promise;
}

/* Calls: (client, ...) to a promise. */

struct begun {
  napi_value arguments[3], promise;
  struct client *client;
  struct call *call;
};

static int begin(napi_env env, napi_callback_info info, struct begun *begun) {
  size_t count = 3;
  void *client = NULL;
  napi_get_cb_info(env, info, &count, begun->arguments, NULL, NULL);
  if (napi_get_value_external(env, begun->arguments[0], &client) != napi_ok ||
      (begun->call = malloc(sizeof *begun->call)) == NULL) {
    napi_throw_type_error(env, NULL, "not a client of adieu");
    return 0;
  }
  begun->client = begun->call->client = client;
  napi_create_promise(env, &begun->call->deferred, &begun->promise);
  return 1;
}

/* A refused call ends here. */
static napi_value end(struct begun *begun, int32_t code) {
  if (code != ADIEU_OK)
    settle(begun->call, code, adieu_strerror(code), NULL);
  return begun->promise;
}

static napi_value delete_conversation(napi_env env, napi_callback_info info) {
  struct begun it;
  char *id;
  int32_t code;
  if (!begin(env, info, &it))
    return NULL;
  id = copied(env, it.arguments[1]);
  code = adieu_delete_conversation(it.client->handle, id, on_success, on_error, it.call);
  free(id);
  return end(&it, code);
}

/* (client, ids, keepHistory) */
static napi_value delete_conversations(napi_env env, napi_callback_info info) {
  adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
  struct begun it;
  uint32_t count = 0, i;
  bool keep = false;
  char **ids;
  int32_t code = ADIEU_ERR_INVALID_ARGUMENT;
  if (!begin(env, info, &it))
    return NULL;
  napi_get_array_length(env, it.arguments[1], &count);
  napi_get_value_bool(env, it.arguments[2], &keep);
  options.keep_history = keep;
  ids = calloc((size_t)count + 1, sizeof *ids);
  for (i = 0; ids != NULL && i < count; ++i) {
    napi_value id = NULL;
    napi_get_element(env, it.arguments[1], i, &id);
    ids[i] = copied(env, id);
  }
  if (ids != NULL)
    code = adieu_delete_conversations(it.client->handle, (const char *const *)ids, count, &options,
                                      on_results, on_error, it.call);
  for (i = 0; ids != NULL && i < count; ++i)
    free(ids[i]);
  free(ids);
  return end(&it, code);
}

static napi_value clear_history(napi_env env, napi_callback_info info) {
  struct begun it;
  char *id;
  int32_t code;
  if (!begin(env, info, &it))
    return NULL;
  id = copied(env, it.arguments[1]);
  code = adieu_clear_history(it.client->handle, id, NULL, on_success, on_error, it.call);
  free(id);
  return end(&it, code);
}

static napi_value pin_conversation(napi_env env, napi_callback_info info) {
  struct begun it;
  bool pinned = false;
  char *id;
  int32_t code;
  if (!begin(env, info, &it))
    return NULL;
  id = copied(env, it.arguments[1]);
  napi_get_value_bool(env, it.arguments[2], &pinned);
  code = adieu_pin_conversation(it.client->handle, id, pinned, on_success, on_error, it.call);
  free(id);
  return end(&it, code);
}

static napi_value set_draft(napi_env env, napi_callback_info info) {
  struct begun it;
  char *id, *draft;
  int32_t code;
  if (!begin(env, info, &it))
    return NULL;
  id = copied(env, it.arguments[1]);
  draft = copied(env, it.arguments[2]);
  code = adieu_set_draft(it.client->handle, id, draft, on_success, on_error, it.call);
  free(id);
  free(draft);
  return end(&it, code);
}

static napi_value mark_read(napi_env env, napi_callback_info info) {
  struct begun it;
  char *id;
  int32_t code;
  if (!begin(env, info, &it))
    return NULL;
  id = copied(env, it.arguments[1]);
  code = adieu_mark_read(it.client->handle, id, 0, on_success, on_error, it.call);
  free(id);
  return end(&it, code);
}

static napi_value pull(napi_env env, napi_callback_info info) {
  struct begun it;
  if (!begin(env, info, &it))
    return NULL;
  return end(&it, adieu_pull(it.client->handle, on_success, on_error, it.call));
}

static napi_value list_conversations(napi_env env, napi_callback_info info) {
  struct begun it;
  if (!begin(env, info, &it))
    return NULL;
  return end(&it, adieu_list_conversations(it.client->handle, on_conversations, on_error, it.call));
}

/* Resolved after the last callback. */
static napi_value close_client(napi_env env, napi_callback_info info) {
  struct begun it;
  if (!begin(env, info, &it))
    return NULL;
  return end(&it, adieu_client_close_async(it.client->handle, on_closed, it.call));
}

/* (client, userSig) */
static napi_value sign_in(napi_env env, napi_callback_info info) {
  struct begun it;
  char *sig;
  int32_t code;
  if (!begin(env, info, &it))
    return NULL;
  sig = copied(env, it.arguments[1]);
  code = adieu_sign_in(it.client->handle, sig);
  free(sig);
  settle(it.call, code, adieu_strerror(code), NULL);
  return it.promise;
}

static napi_value version(napi_env env, napi_callback_info info) {
  (void)info;
  return text(env, adieu_version());
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"open", open_client},
      {"close", close_client},
      {"signIn", sign_in},
      {"pull", pull},
      {"deleteConversation", delete_conversation},
      {"deleteConversations", delete_conversations},
      {"clearHistory", clear_history},
      {"listConversations", list_conversations},
      {"pinConversation", pin_conversation},
      {"setDraft", set_draft},
      {"markRead", mark_read},
      {"version", version},
  };
  const uint32_t abi = adieu_abi_version();
  size_t i;
  if (abi >> 16 != ADIEU_ABI_MAJOR || (abi & 0xffff) < ADIEU_ABI_MINOR) {
    napi_throw_error(env, NULL, "the addon was compiled for another libadieu than the one loaded");
    return NULL;
  }
  for (i = 0; i < sizeof functions / sizeof functions[0]; ++i) {
    napi_value function = NULL;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL,
                         &function);
    set(env, exports, functions[i].name, function);
  }
  return exports;
}
