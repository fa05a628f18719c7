/* Waiting for the outcome of a call: for programs that have nothing else to do meanwhile. */
#ifndef CALL_H
#define CALL_H

#include <pthread.h>
#include <stdint.h>

/* One call under way. Its address is the call's user_data. */
struct call {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int known;
  int32_t code;
  char text[256];
};

void call_init(struct call *call);
void call_destroy(struct call *call);

/* Waits for the outcome of a call that returned `accepted`, and makes the struct ready for the
 * next one. Returns the outcome's code; `text` says what was wrong. */
int32_t call_wait(struct call *call, int32_t accepted);

/* Callbacks for adieu.h, which run on a thread of the library. */
void call_succeeded(void *call);
void call_failed(void *call, int32_t code, const char *desc);

#endif
