#include "text_set.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void text_set_init(struct text_set *set) { memset(set, 0, sizeof *set); }

void text_set_free(struct text_set *set) {
  size_t i;

  for (i = 0; i < set->count; i++)
    free(set->texts[i]);
  free(set->texts);
  free(set->slots);
  text_set_init(set);
}

/* FNV-1a */
static uint64_t hash(const char *text) {
  uint64_t sum = 14695981039346656037u;

  for (; *text != '\0'; text++)
    sum = (sum ^ (unsigned char)*text) * 1099511628211u;
  return sum;
}

/* The slot that holds `text`, or the empty one where it belongs. */
static size_t slot_of(const struct text_set *set, const char *text) {
  size_t at = (size_t)hash(text) & (set->slot_count - 1);

  while (set->slots[at] != 0 && strcmp(set->texts[set->slots[at] - 1], text) != 0)
    at = (at + 1) & (set->slot_count - 1);
  return at;
}

/* Doubles the table; it stays at least half empty. */
static int grow(struct text_set *set) {
  size_t room = set->room == 0 ? 1024 : set->room * 2;
  char **texts = realloc(set->texts, room * sizeof *texts);
  size_t *slots, i;

  if (texts == NULL)
    return -1;
  set->texts = texts;
  slots = calloc(room * 2, sizeof *slots);
  if (slots == NULL)
    return -1;
  free(set->slots);
  set->slots = slots;
  set->slot_count = room * 2;
  set->room = room;
  for (i = 0; i < set->count; i++)
    set->slots[slot_of(set, set->texts[i])] = i + 1;
  return 0;
}

int text_set_add(struct text_set *set, const char *text) {
  size_t at, size = strlen(text) + 1;
  char *copy;

  if (size == 1)
    return 0;
  if (set->count == set->room && grow(set) != 0)
    return -1;
  at = slot_of(set, text);
  if (set->slots[at] != 0)
    return 0;
  copy = malloc(size);
  if (copy == NULL)
    return -1;
  memcpy(copy, text, size);
  set->texts[set->count++] = copy;
  set->slots[at] = set->count;
  return 0;
}
