/* Numbers by chance that a seed repeats (the generator is SplitMix64, Steele, Lea and Flood 2014). */
#ifndef CHANCE_H
#define CHANCE_H

#include <stddef.h>
#include <stdint.h>

struct chance {
  uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance) {
  uint64_t z = (chance->state += 0x9e3779b97f4a7c15u);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* 0 to below - 1. */
static inline uint32_t chance_below(struct chance *chance, uint32_t below) {
  return (uint32_t)(chance_next(chance) >> 32) % below;
}

/* 1 in `of` times. */
static inline int chance_one_in(struct chance *chance, uint32_t of) {
  return chance_below(chance, of) == 0;
}

#endif
