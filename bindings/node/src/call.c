#include "adieu_node.h"

#include <stdlib.h>

int begin(napi_env env, napi_callback_info info, struct begun *begun) {
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

napi_value end(struct begun *begun, int32_t code) {
  if (code != ADIEU_OK)
    settle(begun->call, code, adieu_strerror(code), NULL);
  return begun->promise;
}

void settle(struct call *call, int32_t code, const char *desc, napi_value value) {
  napi_env env = call->client->env;
  if (!call->client->ending) {
    if (code == ADIEU_OK)
      napi_resolve_deferred(env, call->deferred, value != NULL ? value : undefined(env));
    else
      napi_reject_deferred(env, call->deferred, rejection(call->client, code, desc));
  }
  free(call);
}

/* A handle scope for each callback: one poll may bring thousands. */
void on_error(void *data, int32_t code, const char *desc) {
  struct call *call = data;
  napi_env env = call->client->env;
  napi_handle_scope scope = NULL;
  if (!call->client->ending)
    napi_open_handle_scope(env, &scope);
  settle(call, code, desc, NULL);
  if (scope != NULL)
    napi_close_handle_scope(env, scope);
}

void on_success(void *data) { on_error(data, ADIEU_OK, ""); }

typedef napi_value (*make_value)(napi_env env, const void *list, size_t index);

static void on_values(struct call *call, const void *list, size_t count, make_value make) {
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
    napi_set_element(env, array, (uint32_t)i, make(env, list, i));
  settle(call, ADIEU_OK, "", array);
  napi_close_handle_scope(env, scope);
}

static napi_value nth_conversation(napi_env env, const void *list, size_t index) {
  return conversation(env, ((const adieu_conversation *const *)list)[index]);
}

void on_conversations(void *call, const adieu_conversation *const *list, size_t count) {
  on_values(call, list, count, nth_conversation);
}

static napi_value nth_result(napi_env env, const void *list, size_t index) {
  return result(env, ((const adieu_deletion_result *const *)list)[index]);
}

void on_results(void *call, const adieu_deletion_result *const *results, size_t count) {
  on_values(call, results, count, nth_result);
}
