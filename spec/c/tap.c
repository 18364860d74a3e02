#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_TESTS = 200 };

static struct {
  const char *sentence;
  tap_body body;
} tests[MOST_TESTS];
static size_t test_count;

typedef struct deferred {
  void (*release)(void *);
  void *object;
  struct deferred *next;
} deferred;

static deferred *promises;
static size_t failures; /* of the running test */
static char place[200];

void tap_add(const char *sentence, tap_body body) {
  if (test_count == MOST_TESTS)
    abort();
  tests[test_count].sentence = sentence;
  tests[test_count++].body = body;
}

void tap_at(const char *format, ...) {
  place[0] = '\0';
  if (!format)
    return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(place, sizeof place, format, arguments);
  va_end(arguments);
}

static void report(const char *file, int line, const char *what) {
  failures++;
  printf("# %s:%d: %s", file, line, what);
  if (place[0])
    printf(" (at %s)", place);
}

bool tap_check(bool holds, const char *file, int line, const char *what) {
  if (!holds) {
    report(file, line, what);
    printf("\n");
  }
  return holds;
}

bool tap_check_int(int64_t actual, int64_t expected, const char *file, int line, const char *what) {
  if (actual == expected)
    return true;
  report(file, line, what);
  printf(": %lld, expected %lld\n", (long long)actual, (long long)expected);
  return false;
}

bool tap_check_double(double actual, double expected, const char *file, int line,
                      const char *what) {
  double distance = actual > expected ? actual - expected : expected - actual;
  if (distance < 1e-6)
    return true;
  report(file, line, what);
  printf(": %g, expected %g\n", actual, expected);
  return false;
}

bool tap_check_text(vi_text actual, const char *expected, const char *file, int line,
                    const char *what) {
  if (vi_text_equal(actual, vi_text_of(expected)))
    return true;
  report(file, line, what);
  printf(": '%.*s', expected '%s'\n", (int)actual.length, actual.length ? actual.data : "",
         expected);
  return false;
}

void tap_defer(void (*release)(void *), void *object) {
  if (!object)
    return;
  deferred *promise = malloc(sizeof *promise);
  if (!promise)
    abort();
  *promise = (deferred){release, object, promises};
  promises = promise;
}

static void keep_promises(void) {
  while (promises) {
    deferred *promise = promises;
    promises = promise->next;
    promise->release(promise->object);
    free(promise);
  }
}

int main(void) {
  bool passed = true;
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("1..%zu\n", test_count);
  for (size_t i = 0; i < test_count; i++) {
    failures = 0;
    tests[i].body();
    tap_at(NULL);
    keep_promises();
    printf("%sok %zu - %s\n", failures ? "not " : "", i + 1, tests[i].sentence);
    passed = passed && failures == 0;
  }
  return passed ? 0 : 1;
}
