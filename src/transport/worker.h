/* A thread that sends requests while the rest of the program does something else, and runs only
 * while there are any. Nobody but the thread touches its session. */
#ifndef VI_TRANSPORT_WORKER_H
#define VI_TRANSPORT_WORKER_H

#include "transport/transfer.h"

/* A request to be sent, whose answer is wanted whole: neither it nor the answer is streamed or
 * reported on. Belongs to the worker from vi_worker_send until vi_worker_collect. */
typedef struct vi_errand {
  vi_request *request; /* its maker's */
  /* Called once in the thread, the response borrowed; NULL: there is none. */
  void (*answered)(struct vi_errand *, vi_response *);
  vi_transfer *transfer; /* the worker's */
  struct vi_errand *next;
} vi_errand;

typedef struct vi_worker vi_worker;

/* A worker without errands. Takes over the caller's reference of the session, the only one there
 * may be; also when it fails. NULL: out of memory. */
vi_worker *vi_worker_new(vi_session *session);

/* Has the request sent. False, and the errand is still the caller's: there is no thread to be
 * had. */
bool vi_worker_send(vi_worker *worker, vi_errand *errand);

/* The errands that have ended since the last call, linked by `next`, for their maker to free. */
vi_errand *vi_worker_collect(vi_worker *worker);

/* Waits at most so many milliseconds until nothing is under way; true if that is so. */
bool vi_worker_wait(vi_worker *worker, int timeout);

/* Ends all errands, without an answer those whose answer is not there, and the thread. A fork does
 * so, too, before it forks. */
void vi_worker_stop(vi_worker *worker);

/* Stops and frees a worker; errands that were not collected are its maker's. NULL is ignored. */
void vi_worker_free(vi_worker *worker);

#endif
