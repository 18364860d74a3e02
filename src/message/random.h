/* Numbers that nobody can foresee and no other process has. */
#ifndef VI_MESSAGE_RANDOM_H
#define VI_MESSAGE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

/* Fills `bytes` from the system's source of randomness; false if there is none. */
bool vi_random_fill(unsigned char *bytes, size_t count);

#endif
