#define _POSIX_C_SOURCE 200809L
#include "call.h"

#include <adieu.h>
#include <stdio.h>

void call_init(struct call *call) {
  pthread_mutex_init(&call->lock, NULL);
  pthread_cond_init(&call->changed, NULL);
  call->known = 0;
  call->code = ADIEU_OK;
  call->text[0] = '\0';
}

void call_destroy(struct call *call) {
  pthread_cond_destroy(&call->changed);
  pthread_mutex_destroy(&call->lock);
}

int32_t call_wait(struct call *call, int32_t accepted) {
  int32_t code;

  if (accepted != ADIEU_OK) { /* refused: no callback follows */
    snprintf(call->text, sizeof call->text, "%s", adieu_strerror(accepted));
    return accepted;
  }
  pthread_mutex_lock(&call->lock);
  while (!call->known)
    pthread_cond_wait(&call->changed, &call->lock);
  call->known = 0;
  code = call->code;
  pthread_mutex_unlock(&call->lock);
  return code;
}

static void settle(struct call *call, int32_t code, const char *text) {
  pthread_mutex_lock(&call->lock);
  call->code = code;
  /* `text` is the library's and ends with this callback: it is copied. */
  snprintf(call->text, sizeof call->text, "%s", text);
  call->known = 1;
  pthread_cond_signal(&call->changed);
  pthread_mutex_unlock(&call->lock);
}

void call_succeeded(void *call) { settle(call, ADIEU_OK, ""); }

void call_failed(void *call, int32_t code, const char *desc) { settle(call, code, desc); }
