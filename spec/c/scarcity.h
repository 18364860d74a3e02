/* Running out of memory, at each place in turn. */
#ifndef SPEC_SCARCITY_H
#define SPEC_SCARCITY_H

#include "message/error.h"
#include "tap.h"

/* As IT, of a scenario: it has to hold whatever allocation fails. */
#define IT_STARVED_AT(line, sentence)                                                              \
  static vi_error_kind play_##line(void);                                                          \
  IT_AT(line, sentence) {                                                                          \
    fail_each_allocation_of(play_##line);                                                          \
  }                                                                                                \
  static vi_error_kind play_##line(void)
#define IT_STARVED_ON(line, sentence) IT_STARVED_AT(line, sentence)
#define IT_STARVED(sentence) IT_STARVED_ON(__LINE__, sentence)

/* What a scenario came to: NONE or OUT_OF_MEMORY; anything else fails the test. */
typedef vi_error_kind (*scenario)(void);

/* Plays it with the first allocation failing, the second and so on, until none fails any more: once
 * with that one alone failing, once with all from there on. It must leave no memory behind. */
void fail_each_allocation_of(scenario play);

/* For a scenario: true if an allocation has failed, and no further one will. */
bool scarcity_is_over(void);

#endif
