#include "errand.h"

#include <stdlib.h>
#include <time.h>

static void *run(void *argument) {
  errand *of = argument;
  of->work(of->argument);
  atomic_store(&of->done, true);
  return NULL;
}

void errand_start(errand *of, void (*work)(void *), void *argument) {
  of->work = work;
  of->argument = argument;
  atomic_init(&of->done, false);
  if (pthread_create(&of->thread, NULL, run, of) != 0)
    abort();
}

bool errand_is_done_soon(errand *of) {
  enum { MILLISECOND = 1000000, LONGEST = 10000 };
  for (int waited = 0; waited < LONGEST && !atomic_load(&of->done); waited++)
    nanosleep(&(struct timespec){.tv_nsec = MILLISECOND}, NULL);
  return atomic_load(&of->done);
}

void errand_end(errand *of) {
  pthread_join(of->thread, NULL);
}
