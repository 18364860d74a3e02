/* transport/timers: what is due soonest comes first. */
#include "transport/timers.h"

#include "message/memory.h"
#include "tap.h"

#include <stdlib.h>

enum { MANY = 2000 };

static void free_timers(void *timers) {
  vi_timers_free(timers);
  free(timers);
}

static vi_timers *no_timers(void) {
  vi_timers *timers = calloc(1, sizeof *timers);
  if (!timers)
    abort();
  tap_defer(free_timers, timers);
  return timers;
}

/* The same numbers on every run, in no order. */
static int64_t next_number(unsigned *state) {
  *state = *state * 1103515245 + 12345;
  return *state >> 8 & 0xffff;
}

/* Takes out all timers; true if they came soonest first. */
static bool drains_in_order(vi_timers *timers) {
  int64_t last = INT64_MIN;
  bool ordered = true;
  while (vi_timers_first(timers)) {
    vi_timer *timer = vi_timers_first(timers);
    ordered = ordered && timer->deadline >= last;
    last = timer->deadline;
    vi_timers_remove(timers, timer);
    ordered = ordered && timer->position == 0;
  }
  return ordered;
}

IT("has no first timer when there is none") {
  check(!vi_timers_first(no_timers()));
}

IT("gives the soonest of three, whatever the order they came in") {
  vi_timers *timers = no_timers();
  static vi_timer a, b, c;
  check(vi_timers_add(timers, &b, 20) && vi_timers_add(timers, &a, 10) &&
        vi_timers_add(timers, &c, 30));
  check(vi_timers_first(timers) == &a);
  vi_timers_remove(timers, &a);
  check(vi_timers_first(timers) == &b);
  vi_timers_remove(timers, &b);
  check(vi_timers_first(timers) == &c);
}

IT("keeps thousands in order, equal deadlines among them") {
  static vi_timer all[MANY];
  vi_timers *timers = no_timers();
  unsigned state = 1;
  for (size_t i = 0; i < MANY; i++)
    check(vi_timers_add(timers, &all[i], next_number(&state) % 500));
  check_int(timers->count, MANY);
  check(drains_in_order(timers));
}

IT("stays in order when timers leave from the middle") {
  static vi_timer all[MANY];
  vi_timers *timers = no_timers();
  unsigned state = 2;
  for (size_t i = 0; i < MANY; i++)
    check(vi_timers_add(timers, &all[i], next_number(&state)));
  for (size_t i = 0; i < MANY; i += 3)
    vi_timers_remove(timers, &all[i]);
  check_int(timers->count, MANY - (MANY + 2) / 3);
  check(drains_in_order(timers));
}

IT("moves a pending timer that is added again, both ways") {
  static vi_timer all[MANY];
  vi_timers *timers = no_timers();
  unsigned state = 3;
  for (size_t i = 0; i < MANY; i++)
    check(vi_timers_add(timers, &all[i], next_number(&state)));
  for (size_t i = 0; i < MANY; i++)
    check(vi_timers_add(timers, &all[i], next_number(&state)));
  check_int(timers->count, MANY);
  check(drains_in_order(timers));
}

IT("leaves a hole that the last timer of the heap has to rise from") {
  /* 1 / 10 2 / 11 12 3 4: taking out 11 puts 4 under 10. */
  int64_t deadlines[] = {1, 10, 2, 11, 12, 3, 4};
  static vi_timer all[7];
  vi_timers *timers = no_timers();
  for (size_t i = 0; i < 7; i++)
    check(vi_timers_add(timers, &all[i], deadlines[i]));
  vi_timers_remove(timers, &all[3]);
  check(drains_in_order(timers));
}

IT("ignores the removal of a timer that is not pending") {
  vi_timers *timers = no_timers();
  static vi_timer pending, other;
  check(vi_timers_add(timers, &pending, 1));
  vi_timers_remove(timers, &other);
  check(vi_timers_first(timers) == &pending);
  vi_timers_remove(timers, &pending);
  vi_timers_remove(timers, &pending);
  check(!vi_timers_first(timers));
}

IT("forgets pending timers when freed, so that they can be added elsewhere") {
  vi_timers *timers = no_timers();
  static vi_timer timer;
  check(vi_timers_add(timers, &timer, 1));
  vi_timers_free(timers);
  check_int(timer.position, 0);
  check(vi_timers_add(timers, &timer, 2));
  check(vi_timers_first(timers) == &timer);
}

static void *refuse(void *context, void *block, size_t size) {
  (void)context;
  if (size == 0)
    free(block);
  return NULL;
}

IT("leaves a timer that finds no room not pending") {
  vi_timers *timers = no_timers();
  static vi_timer timer;
  vi_memory_set_allocator(refuse, NULL);
  check(!vi_timers_add(timers, &timer, 1));
  vi_memory_set_allocator(NULL, NULL);
  check_int(timer.position, 0);
  check(!vi_timers_first(timers));
}
