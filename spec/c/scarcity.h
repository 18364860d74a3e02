/* Running out of memory, at each place in turn. */
#ifndef SPEC_SCARCITY_H
#define SPEC_SCARCITY_H

#include "message/error.h"

/* What a scenario came to: NONE or OUT_OF_MEMORY; anything else fails the test. */
typedef vi_error_kind (*scenario)(void);

/* Plays it with the first allocation failing, the second and so on, until none fails any more: once
 * with that one alone failing, once with all from there on. It must leave no memory behind. */
void fail_each_allocation_of(scenario play);

/* For a scenario: true if an allocation has failed, and no further one will. */
bool scarcity_is_over(void);

#endif
