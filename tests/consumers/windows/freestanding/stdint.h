/* For tests without a C library. */
#ifndef FREESTANDING_STDINT_H
#define FREESTANDING_STDINT_H
typedef __UINT8_TYPE__ uint8_t;
typedef __INT32_TYPE__ int32_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT64_TYPE__ uint64_t;
#endif
