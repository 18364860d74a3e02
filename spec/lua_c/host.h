/* A host of viesti.h for the tests: a server, a runtime, and what its requests came to. */
#ifndef SPEC_LUA_C_HOST_H
#define SPEC_LUA_C_HOST_H

#include "../c/origin.h"
#include "../c/tap.h"
#include "viesti.h"

/* What callbacks were told: how often, and the last time. */
typedef struct told {
  int times, status; /* the response's status; 0: there was none */
  viesti_status how;
  char kind[24], error[200];
  int maybe_sent;
} told;

/* A server that answers so for the running test; and its URL, valid until the next call. */
origin *host_serve(const origin_answer *answers, size_t count);
origin *host_serve_hello(void);
const char *host_url(const origin *server);

/* A runtime for the running test that has loaded the source. NULL, and a failed check, if it
 * cannot. */
viesti *host_open(const char *source);

/* Submits a GET; `note` is a callback that keeps in a `told` what it is told. */
viesti_ticket host_get(viesti *runtime, const char *url, told *about);
void host_note(void *about, const viesti_outcome *outcome);

/* Sends a GET and returns the status, 0 if there is no response. */
int host_send(viesti *runtime, const char *url);

/* Steps until nothing is pending, for some seconds at most. */
void host_finish(viesti *runtime);

#endif
