/* Distinct texts, in the order in which they came. */
#ifndef TEXT_SET_H
#define TEXT_SET_H

#include <stddef.h>

struct text_set {
  char **texts;
  size_t count;
  size_t room;   /* places in `texts` */
  size_t *slots; /* hash table: index into `texts` plus one, 0 where empty */
  size_t slot_count;
};

void text_set_init(struct text_set *set);
void text_set_free(struct text_set *set);

/* Copies a text into the set unless it is there or empty. Returns 0, or -1 without memory. */
int text_set_add(struct text_set *set, const char *text);

#endif
