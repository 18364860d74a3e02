/* cache/lock: what threads may do at the same time. Also run under the thread sanitizer: make
 * check-tsan. */
#include "cache/lock.h"

#include "errand.h"
#include "tap.h"

#include <sched.h>
#include <stdlib.h>

enum { THREADS = 2 * VI_STRIPES, ROUNDS = 200 };

static void destroy(void *lock) {
  vi_lock_destroy(lock);
  free(lock);
}

static vi_lock *new_lock(bool shared) {
  vi_lock *lock = calloc(1, sizeof *lock);
  if (!lock || !vi_lock_init(lock, shared))
    abort();
  tap_defer(destroy, lock);
  return lock;
}

static void read_once(void *lock) {
  vi_lock_end_read(vi_lock_read(lock));
}

IT("lets as many threads read at once as it has parts") {
  vi_lock *lock = new_lock(true);
  errand readers[VI_STRIPES - 1];
  vi_lock_part *held = vi_lock_read(lock);
  for (int i = 0; i < VI_STRIPES - 1; i++) {
    errand_start(&readers[i], read_once, lock);
    check(errand_is_done_soon(&readers[i]));
  }
  vi_lock_end_read(held);
  for (int i = 0; i < VI_STRIPES - 1; i++)
    errand_end(&readers[i]);
}

typedef struct worker {
  pthread_t thread;
  vi_lock *lock;
  size_t *one, *other; /* the same, whenever nobody writes */
  size_t broken;
} worker;

static void *read_and_write(void *argument) {
  worker *self = argument;
  for (int i = 0; i < ROUNDS; i++) {
    vi_lock_part *held = vi_lock_read(self->lock);
    self->broken += *self->one != *self->other;
    vi_lock_end_read(held);
    vi_lock_write(self->lock);
    ++*self->one;
    sched_yield(); /* so that others can see half of it, if they do not wait */
    ++*self->other;
    vi_lock_end_write(self->lock);
  }
  return NULL;
}

IT("lets one thread write, while none reads") {
  for (int shared = 0; shared < 2; shared++) {
    worker workers[THREADS];
    size_t one = 0, other = 0;
    vi_lock *lock = new_lock(shared);
    for (int i = 0; i < THREADS; i++) {
      workers[i] = (worker){.lock = lock, .one = &one, .other = &other};
      require(pthread_create(&workers[i].thread, NULL, read_and_write, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
      pthread_join(workers[i].thread, NULL);
      check_int(workers[i].broken, 0);
    }
    check_int(one, THREADS * ROUNDS);
  }
}
