/* Waiting for what has to come soon, in tests of threads. */
#ifndef SPEC_PATIENCE_H
#define SPEC_PATIENCE_H

#include <pthread.h>
#include <stdbool.h>

/* Joins the thread. False: it has not ended after a long while, and waits for something. */
bool ends(pthread_t thread);

#endif
