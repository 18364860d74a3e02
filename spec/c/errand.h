/* What a thread of a test does, which may have to wait for what the test holds. */
#ifndef SPEC_ERRAND_H
#define SPEC_ERRAND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct errand {
  pthread_t thread;
  void (*work)(void *);
  void *argument;
  atomic_bool done;
} errand;

/* Starts work(argument) in a thread. */
void errand_start(errand *of, void (*work)(void *), void *argument);

/* False: it is not done after a long while, and waits for something. */
bool errand_is_done_soon(errand *of);

/* Waits for its end. */
void errand_end(errand *of);

#endif
