/* adieu.h for JavaScript, over Node-API: one promise for each call, and nothing else. The library
 * asks for the loop with its post hook; callbacks then run inside adieu_client_poll, on the thread
 * of JavaScript. index.js makes the vendor's API of it. */
#ifndef ADIEU_NODE_H
#define ADIEU_NODE_H

#define NAPI_VERSION 8
#include <adieu.h>
#include <node_api.h>

/* What the files share is nobody else's: another `text` in the process must not stand in for it. */
#ifdef __GNUC__
#pragma GCC visibility push(hidden)
#endif

/* client.c: one client of one environment (the main thread, or a worker). */

enum { TEXTS = 6 };

struct client {
  napi_env env;
  adieu_client *handle;
  napi_threadsafe_function wake;
  napi_ref listener, make_error;
  napi_ref self; /* keeps the external that JavaScript has until the client is closed */
  uintptr_t id;  /* what the post hook is given */
  struct client *next;
  int closed, ending; /* ending: the environment goes, and nothing of it may be called */
  /* While it is opened. */
  napi_async_work work;
  napi_deferred opening;
  adieu_client_options options;
  char *texts[TEXTS];
  char why[256];
  int32_t code;
};

/* open(options, listener, makeError): a promise for what all other functions take first. makeError
 * gets a code of the library and a text, and returns what promises are rejected with. */
napi_value open_client(napi_env env, napi_callback_info info);
/* close(client): resolved after the last callback. */
napi_value close_client(napi_env env, napi_callback_info info);

/* registry.c: clients that are open, by number. The post hook may still run when a client has told
 * that it is closed, so it is given a number that is looked up. */

void enlist(struct client *client);
void delist(struct client *client);
/* The hook: any thread of the library. */
void on_post(void *id);

/* call.c: calls under way. */

struct call {
  struct client *client;
  napi_deferred deferred;
};

/* A call that begins: (client, ...) to a promise. */
struct begun {
  napi_value arguments[3], promise;
  struct client *client;
  struct call *call;
};

/* 0, and a JavaScript exception, for what is no client. */
int begin(napi_env env, napi_callback_info info, struct begun *begun);
/* The promise; a refused call ends here. */
napi_value end(struct begun *begun, int32_t code);
/* Ends a call: its promise, unless the environment goes. */
void settle(struct call *call, int32_t code, const char *desc, napi_value value);

/* The library's callbacks, whose user_data is a call. */
void on_success(void *call);
void on_error(void *call, int32_t code, const char *desc);
void on_conversations(void *call, const adieu_conversation *const *list, size_t count);
void on_results(void *call, const adieu_deletion_result *const *results, size_t count);

/* values.c: what goes between C and JavaScript. */

napi_value text(napi_env env, const char *text);
napi_value number(napi_env env, double number);
napi_value undefined(napi_env env);
void set(napi_env env, napi_value object, const char *name, napi_value value);
napi_value property(napi_env env, napi_value object, const char *name);
/* A copy in UTF-8; NULL for what is no string. A NUL within becomes U+0001, which no id may hold,
 * so that no id is taken for a shorter one. */
char *copied(napi_env env, napi_value value);
napi_value conversation(napi_env env, const adieu_conversation *it);
napi_value result(napi_env env, const adieu_deletion_result *it);
napi_value event(napi_env env, const adieu_event *it);
/* What a promise of this client is rejected with. */
napi_value rejection(struct client *client, int32_t code, const char *desc);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
