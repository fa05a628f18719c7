#include "adieu_node.h"

#ifdef _WIN32
#include <windows.h>
static SRWLOCK lock = SRWLOCK_INIT;
static void acquire(void) { AcquireSRWLockExclusive(&lock); }
static void release(void) { ReleaseSRWLockExclusive(&lock); }
#else
#include <pthread.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void acquire(void) { pthread_mutex_lock(&lock); }
static void release(void) { pthread_mutex_unlock(&lock); }
#endif

static struct client *clients;
static uintptr_t last_id;

void on_post(void *id) {
  struct client *it;
  acquire();
  for (it = clients; it != NULL && it->id != (uintptr_t)id; it = it->next) {
  }
  if (it != NULL)
    napi_call_threadsafe_function(it->wake, NULL, napi_tsfn_nonblocking);
  release();
}

void enlist(struct client *client) {
  acquire();
  client->id = ++last_id;
  client->next = clients;
  clients = client;
  release();
}

void delist(struct client *client) {
  struct client **it;
  acquire();
  for (it = &clients; *it != NULL && *it != client; it = &(*it)->next) {
  }
  if (*it != NULL)
    *it = client->next;
  release();
}
