/* A lock that threads share to read, and one has alone to write.
 *
 * It has parts, each in cache lines of its own: who reads holds the part of his thread, and so
 * writes to no memory that readers on other cores write to; who writes holds all of them, which
 * takes the longer the more there are. */
#ifndef VI_CACHE_LOCK_H
#define VI_CACHE_LOCK_H

#include <pthread.h>
#include <stdbool.h>

/* What stands on either side of it is in different cache lines: threads that only read the one are
 * not held up by those that write the other. */
typedef char vi_gap[64];

/* Threads take stripes in turn: what has one of each is shared by few of them. */
enum { VI_STRIPES = 8 };

typedef struct vi_lock_part {
  vi_gap gap;
  pthread_mutex_t mutex;
} vi_lock_part;

typedef struct vi_lock {
  unsigned count;
  vi_lock_part parts[VI_STRIPES];
  vi_gap gap;
} vi_lock;

/* The stripe of the thread that asks. */
unsigned vi_stripe(void);

/* Makes one of VI_STRIPES parts; or, not `shared`, of one, with which who reads has it alone, too.
 * False: the system has none. */
bool vi_lock_init(vi_lock *lock, bool shared);
void vi_lock_destroy(vi_lock *lock);

/* Returns the part that is held, to be given back by the same thread. */
vi_lock_part *vi_lock_read(vi_lock *lock);
void vi_lock_end_read(vi_lock_part *held);

void vi_lock_write(vi_lock *lock);
void vi_lock_end_write(vi_lock *lock);

#endif
