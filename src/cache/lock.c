#include "cache/lock.h"

#include <stdatomic.h>

unsigned vi_stripe(void) {
  static atomic_uint threads;
  static _Thread_local unsigned own; /* from 1 on */
  if (own == 0)
    own = 1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % VI_STRIPES;
  return own - 1;
}

static void destroy(vi_lock *lock, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    pthread_mutex_destroy(&lock->parts[i].mutex);
}

bool vi_lock_init(vi_lock *lock, bool shared) {
  lock->count = shared ? VI_STRIPES : 1;
  for (unsigned i = 0; i < lock->count; i++)
    if (pthread_mutex_init(&lock->parts[i].mutex, NULL) != 0) {
      destroy(lock, i);
      return false;
    }
  return true;
}

void vi_lock_destroy(vi_lock *lock) {
  destroy(lock, lock->count);
}

vi_lock_part *vi_lock_read(vi_lock *lock) {
  vi_lock_part *own = &lock->parts[lock->count > 1 ? vi_stripe() : 0];
  pthread_mutex_lock(&own->mutex);
  return own;
}

void vi_lock_end_read(vi_lock_part *held) {
  pthread_mutex_unlock(&held->mutex);
}

void vi_lock_write(vi_lock *lock) {
  for (unsigned i = 0; i < lock->count; i++)
    pthread_mutex_lock(&lock->parts[i].mutex);
}

void vi_lock_end_write(vi_lock *lock) {
  for (unsigned i = 0; i < lock->count; i++)
    pthread_mutex_unlock(&lock->parts[i].mutex);
}
