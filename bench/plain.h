/* What the modes of the plain program share. */
#ifndef BENCH_PLAIN_H
#define BENCH_PLAIN_H

#include "response.h"

/* A run: some requests to warm up, then either a number of them or a time. */
typedef struct run {
  const char *url, *ca, *file;
  const char *wanted_type; /* the Content-Type that every response must have */
  bool same_fields;        /* send the fields that viesti sends */
  bool one_connection;     /* HTTP/2: all streams on one */
  long at_once, warm_up, count, between_looks;
  double seconds;
  long done;
  double started, cpu_started;
  double elapsed, cpu;
  bool over;
} run;

/* Starts the clocks of a run: how many requests warm up unless the arguments say so, and how many
 * pass between looks at the clock. */
void run_default(run *of, long warm_up, long between_looks);

/* Counts a finished request: starts the clocks after the warm-up and stops them at the end. */
void run_count(run *of);

/* Says on stderr what went wrong and ends the program. */
_Noreturn void fail(const char *what, const char *why);

/* An easy handle that fills the response, with what does not change from request to request. */
CURL *new_handle(const run *of, response *to);

/* Looks at what a program looks at: libcurl's result, the status, a header field, the body. Ends
 * the program unless all is as it should be. */
void check(const run *of, CURL *easy, CURLcode code, const response *got);

/* Keeps run->at_once requests in flight until the run is over. */
void many_with_poll(run *of);
void many_with_epoll(run *of);

#endif
