/* What a program sees of a device: its list, its histories, and what is left of them. */
#ifndef DEVICE_H
#define DEVICE_H

#include <adieu.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"
#include "text_set.h"

/* The program's only call under way, and what its callbacks gather. */
struct device {
  struct call call; /* first: the callbacks of call.h take the same address */
  adieu_client *client;
  int print_list;        /* device_list prints each conversation as a line of JSON */
  const char *wanted;    /* device_list looks for this one; may be NULL */
  int listed;            /* ... and says here whether it was there */
  size_t conversations;  /* in the list */
  struct text_set *into; /* what is seen is added here; may be NULL */
  size_t page;
  uint64_t oldest;
  uint64_t messages; /* that device_history saw */
  int out_of_memory;
  adieu_verification verification;
};

uint64_t now_ns(void);

void device_init(struct device *device);
void device_destroy(struct device *device);

/* Opens a client: STORE USER SERVER APP_ID USERSIG_FILE. The other options are the caller's; its
 * strings are copied. */
int32_t device_open(struct device *device, char **argv, adieu_client_options *options);

int32_t device_list(struct device *device);

/* Reads the whole history, page by page. */
int32_t device_history(struct device *device, const char *id);

/* Has the store searched for what the conversation held. */
int32_t device_verify(struct device *device, const char *id, const struct text_set *texts);

/* Gathers everything that would be missed if it stayed: texts, senders, names, the id. Writes it
 * to FOLDER/NUMBER.texts too, each text ended by a NUL. */
int32_t device_gather(struct device *device, const char *id, struct text_set *texts,
                      const char *folder, unsigned number);

#endif
