#ifndef DELETES_H
#define DELETES_H

#ifdef __cplusplus
extern "C" {
#endif

/* Saves a conversation in `store` (a folder that exists), deletes it, and looks that it is gone.
 * Returns 0, or the code that it ended with. */
int deletes(const char *store);

#ifdef __cplusplus
}
#endif
#endif
