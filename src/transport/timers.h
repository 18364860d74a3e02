/* Pending timers, soonest first: a binary heap of timers that live in their owners' structs. */
#ifndef VI_TRANSPORT_TIMERS_H
#define VI_TRANSPORT_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: not pending. The struct must stay where it is while it is pending. */
typedef struct vi_timer {
  int64_t deadline; /* vi_clock_monotonic() */
  size_t position;  /* in the heap, from 1; 0: not pending */
  void *owner;      /* whoever waits; the heap never looks at it */
} vi_timer;

/* Zeroed: empty. */
typedef struct vi_timers {
  vi_timer **heap;
  size_t count, capacity;
} vi_timers;

/* Frees the heap's own memory; timers still pending are forgotten. */
void vi_timers_free(vi_timers *timers);

/* Makes `timer` pending for `deadline`; one that is pending already is moved. False: out of
 * memory, and then the timer is not pending. */
bool vi_timers_add(vi_timers *timers, vi_timer *timer, int64_t deadline);

/* Takes a timer out; one that is not pending is ignored. */
void vi_timers_remove(vi_timers *timers, vi_timer *timer);

/* The soonest timer, or NULL. */
vi_timer *vi_timers_first(const vi_timers *timers);

#endif
