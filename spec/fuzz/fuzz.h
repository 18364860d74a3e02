/* A fuzz target: it takes any bytes, and aborts where a promise is broken. libFuzzer calls it, or
 * replay.c with what is kept in corpus/. */
#ifndef SPEC_FUZZ_H
#define SPEC_FUZZ_H

#include "message/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Likewise, before the first input; a target may have none. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *count, char ***arguments);

#define PROMISE(condition)                                                                         \
  do                                                                                               \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                      \
      abort();                                                                                     \
    }                                                                                              \
  while (0)

#endif
