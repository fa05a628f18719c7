/* For tests without a C library. */
#ifndef FREESTANDING_STDDEF_H
#define FREESTANDING_STDDEF_H
typedef __SIZE_TYPE__ size_t;
#define NULL ((void *)0)
#endif
