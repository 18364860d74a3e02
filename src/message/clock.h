/* The two clocks: one that never steps, for waiting, and the one on the wall, for dates. */
#ifndef VI_MESSAGE_CLOCK_H
#define VI_MESSAGE_CLOCK_H

#include <stdint.h>

/* Nanoseconds on the monotonic clock; the zero is arbitrary. */
int64_t vi_clock_monotonic(void);

/* Seconds since 1970 UTC on the wall clock, with their fraction. */
double vi_clock_wall(void);

#endif
