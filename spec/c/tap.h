/* The harness of the C tests: sentences that hold or do not, printed as TAP.
 *
 *   IT("adds what it was given") {
 *     check_int(add(1, 2), 3);
 *   }
 *
 * A test file has no main: IT registers its test before main runs, and the tests of a file run in
 * the order they are written in. A failed check is reported and fails the test, which goes on;
 * `require` leaves it. */
#ifndef SPEC_TAP_H
#define SPEC_TAP_H

#include "message/text.h"

#define IT_NAMED(function, add, sentence)                                                          \
  static void function(void);                                                                      \
  __attribute__((constructor)) static void add(void) {                                             \
    tap_add(sentence, function);                                                                   \
  }                                                                                                \
  static void function(void)
#define IT_AT(line, sentence) IT_NAMED(it_##line, add_##line, sentence)
#define IT_ON(line, sentence) IT_AT(line, sentence)
#define IT(sentence) IT_ON(__LINE__, sentence)

/* True if it holds; else the running test has failed. */
#define check(condition) tap_check((condition), __FILE__, __LINE__, #condition)
#define check_int(actual, expected)                                                                \
  tap_check_int((int64_t)(actual), (int64_t)(expected), __FILE__, __LINE__, #actual)
#define check_double(actual, expected)                                                             \
  tap_check_double((actual), (expected), __FILE__, __LINE__, #actual)
#define check_text(actual, expected)                                                               \
  tap_check_text((actual), (expected), __FILE__, __LINE__, #actual)

/* Leaves a test (a function without a result) that cannot go on. */
#define require(condition)                                                                         \
  do {                                                                                             \
    if (!check(condition))                                                                         \
      return;                                                                                      \
  } while (0)

typedef void (*tap_body)(void);

void tap_add(const char *sentence, tap_body body);
bool tap_check(bool holds, const char *file, int line, const char *what);
bool tap_check_int(int64_t actual, int64_t expected, const char *file, int line, const char *what);
bool tap_check_double(double actual, double expected, const char *file, int line, const char *what);
bool tap_check_text(vi_text actual, const char *expected, const char *file, int line,
                    const char *what);

/* Says what a loop was at when a check failed; printed with the failure. NULL: nothing. */
void tap_at(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Has `release(object)` called when the running test has ended, last come first served. NULL
 * objects are ignored. */
void tap_defer(void (*release)(void *), void *object);

#endif
