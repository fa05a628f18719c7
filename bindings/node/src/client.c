#include "adieu_node.h"

#include <stdlib.h>

static void on_event(void *data, const adieu_event *it) {
  struct client *client = data;
  napi_env env = client->env;
  napi_handle_scope scope = NULL;
  napi_value made, listener = NULL, thrown = NULL;
  if (client->ending)
    return;
  napi_open_handle_scope(env, &scope);
  made = event(env, it);
  napi_get_reference_value(env, client->listener, &listener);
  if (napi_call_function(env, undefined(env), listener, 1, &made, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &thrown) == napi_ok)
    napi_fatal_exception(env, thrown); /* as for every listener in Node */
  napi_close_handle_scope(env, scope);
}

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
  napi_delete_reference(client->env, client->make_error);
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

napi_value close_client(napi_env env, napi_callback_info info) {
  struct begun it;
  if (!begin(env, info, &it))
    return NULL;
  return end(&it, adieu_client_close_async(it.client->handle, on_closed, it.call));
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
  for (i = 0; i < TEXTS; ++i)
    free(client->texts[i]);
  napi_delete_async_work(env, client->work);
  if (status != napi_ok || client->code != ADIEU_OK) {
    const int32_t code = client->code != ADIEU_OK ? client->code : ADIEU_ERR_CANCELLED;
    const char *why = client->why[0] != '\0' ? client->why : adieu_strerror(code);
    napi_reject_deferred(env, client->opening, rejection(client, code, why));
    let_go(client);
    return;
  }
  napi_get_reference_value(env, client->self, &self);
  napi_resolve_deferred(env, client->opening, self);
  on_wake(env, NULL, client, NULL); /* what was posted before there was a handle */
}

static void read_options(struct client *client, napi_value given) {
  static const char *const names[TEXTS] = {"storePath", "userID",  "serverURL",
                                           "deviceID",  "userSig", "caCertificates"};
  adieu_client_options *options = &client->options;
  napi_env env = client->env;
  double app_id = 0;
  bool live = false;
  size_t i;
  for (i = 0; i < TEXTS; ++i)
    client->texts[i] = copied(env, property(env, given, names[i]));
  napi_get_value_double(env, property(env, given, "sdkAppID"), &app_id);
  napi_get_value_bool(env, property(env, given, "liveSync"), &live);
  *options = (adieu_client_options)ADIEU_CLIENT_OPTIONS_INIT;
  options->delivery = ADIEU_DELIVER_BY_POLL;
  options->post = on_post;
  options->post_data = (void *)client->id;
  options->store_path = client->texts[0];
  options->user_id = client->texts[1];
  options->server_url = client->texts[2];
  options->device_id = client->texts[3];
  options->user_sig = client->texts[4];
  options->ca_certificates = client->texts[5];
  options->sdk_app_id = app_id > 0 ? (uint64_t)app_id : 0;
  options->live_sync = live;
}

napi_value open_client(napi_env env, napi_callback_info info) {
  struct client *client = calloc(1, sizeof *client);
  napi_value arguments[3], promise = NULL, self = NULL;
  size_t count = 3;
  if (client == NULL || napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) {
    free(client);
    return undefined(env);
  }
  client->env = env;
  enlist(client);
  read_options(client, arguments[0]);
  napi_create_reference(env, arguments[1], 1, &client->listener);
  napi_create_reference(env, arguments[2], 1, &client->make_error);
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
