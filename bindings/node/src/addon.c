/* The functions that JavaScript sees: (client, ...) to a promise. */
#include "adieu_node.h"

#include <stdlib.h>

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
