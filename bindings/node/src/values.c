#include "adieu_node.h"

#include <stdlib.h>

napi_value text(napi_env env, const char *text) {
  napi_value value = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

napi_value number(napi_env env, double number) {
  napi_value value = NULL;
  napi_create_double(env, number, &value);
  return value;
}

napi_value undefined(napi_env env) {
  napi_value value = NULL;
  napi_get_undefined(env, &value);
  return value;
}

static napi_value object(napi_env env) {
  napi_value value = NULL;
  napi_create_object(env, &value);
  return value;
}

void set(napi_env env, napi_value object, const char *name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

napi_value property(napi_env env, napi_value object, const char *name) {
  napi_value value = NULL;
  napi_get_named_property(env, object, name, &value);
  return value;
}

char *copied(napi_env env, napi_value value) {
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

static napi_value message(napi_env env, const adieu_message *it) {
  napi_value made = object(env);
  set(env, made, "from", text(env, it->sender));
  set(env, made, "time", number(env, (double)it->time));
  set(env, made, "sequence", number(env, (double)it->position));
  set(env, made, "text", text(env, it->text));
  return made;
}

napi_value conversation(napi_env env, const adieu_conversation *it) {
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
  if (it->last_message != NULL)
    set(env, made, "lastMessage", message(env, it->last_message));
  return made;
}

napi_value result(napi_env env, const adieu_deletion_result *it) {
  napi_value made = object(env);
  set(env, made, "conversationID", text(env, it->conversation_id));
  set(env, made, "code", number(env, it->code));
  set(env, made, "message", text(env, it->desc));
  return made;
}

napi_value event(napi_env env, const adieu_event *it) {
  napi_value made = object(env);
  set(env, made, "kind", number(env, it->kind));
  set(env, made, "cause", number(env, it->cause));
  set(env, made, "scope", number(env, it->scope));
  set(env, made, "syncState", number(env, it->sync_state));
  set(env, made, "conversationID", text(env, it->conversation_id));
  set(env, made, "code", number(env, it->code));
  set(env, made, "message", text(env, it->desc));
  set(env, made, "totalUnread", number(env, (double)it->total_unread));
  if (it->conversation != NULL)
    set(env, made, "conversation", conversation(env, it->conversation));
  return made;
}

napi_value rejection(struct client *client, int32_t code, const char *desc) {
  napi_env env = client->env;
  napi_value make = NULL, made = NULL;
  napi_value arguments[2] = {number(env, code), text(env, desc)};
  napi_get_reference_value(env, client->make_error, &make);
  napi_call_function(env, undefined(env), make, 2, arguments, &made);
  return made;
}
