/* The loop: many transfers and timers behind one pollable descriptor.
 *
 * It drives any number of sessions. It never calls its owner back: what finished waits in a list
 * until the owner takes it, after libcurl has returned. One thread at a time. */
#ifndef VI_TRANSPORT_LOOP_H
#define VI_TRANSPORT_LOOP_H

#include "transport/poller.h"
#include "transport/timers.h"
#include "transport/transfer.h"

/* Somebody who waits for a descriptor that is no transfer's. Zeroed: does not wait. The struct must
 * stay where it is while it does. */
typedef struct vi_watch {
  int fd;
  int events;            /* VI_POLL_*: what it waits for */
  bool waiting;          /* until it is ready, or given up */
  bool ready, listed;    /* the latter until it is taken */
  struct vi_watch *next; /* of the same descriptor, or of what is ready */
  void *owner;           /* the loop never looks at it */
} vi_watch;

/* What libcurl wants to know of a socket, or others of their descriptor, and what the poller was
 * last told. */
typedef struct vi_socket {
  vi_session *session;
  vi_watch *watches;             /* with these it is not libcurl's */
  unsigned char wanted, watched; /* VI_POLL_* */
  bool ours;                     /* opened and closed through us, so its end is never missed */
} vi_socket;

typedef struct vi_loop {
  unsigned generation; /* vi_fork_generation() when the poller was opened */
  vi_poller poller;    /* with an alarm once its descriptor has been handed out */
  bool in_turn;        /* the alarm is set at the turn's end */
  bool pending;        /* the owner has work of its own */
  vi_socket *sockets;  /* by descriptor */
  size_t socket_count;
  vi_session *sessions;
  vi_timers timers;
  vi_transfer *ready_first, *ready_last;
  vi_watch *ready_watches;
  size_t waiting_watches;
  const vi_transfer *driven_for; /* what whoever drives the loop waits for; not its owner */
} vi_loop;

/* An idle loop. NULL, with `error` filled: out of memory or descriptors. */
vi_loop *vi_loop_new(vi_error *error);

/* Ends every transfer of the sessions that it drives and frees the loop. NULL is ignored. */
void vi_loop_free(vi_loop *loop);

/* The descriptor to poll for reading in another loop; owned by this one. From the first call on it
 * is readable whenever there is anything for vi_loop_step to do or for the owner to take, also
 * because a moment has come or something was added: polling it is enough. A child process asks
 * for its own. -1, with errno set, when the system refuses. */
int vi_loop_fd(vi_loop *loop);

/* Prepares for vi_loop_ring, which ends the step that waits, or the next one; that one may be
 * called from any thread. False, with errno set, when the system refuses. */
bool vi_loop_add_bell(vi_loop *loop);
void vi_loop_ring(const vi_loop *loop);

/* Milliseconds until vi_loop_step must be called even if no socket is ready; 0: now, -1: never. */
int vi_loop_timeout(const vi_loop *loop);

/* True if nothing is in flight, pending or ready: without new work no step will ever find any. */
bool vi_loop_is_idle(const vi_loop *loop);

/* True if nothing but streams that nobody waits for is. */
bool vi_loop_is_stalled(const vi_loop *loop);

/* Says whether the owner has work of its own (a task that can run), due at once. */
void vi_loop_set_pending(vi_loop *loop, bool pending);

/* Enclose a step and what the owner does about its outcome: what is added meanwhile is no news to
 * the descriptor before the end, and costs no system call. */
void vi_loop_begin_turn(vi_loop *loop);
void vi_loop_end_turn(vi_loop *loop);

/* Starts a transfer whose session is driven by this loop from now on. The outcome appears in the
 * ready list, an immediate failure too. False, with the transfer's error set, if another loop
 * drives the session. */
bool vi_loop_start(vi_loop *loop, vi_transfer *transfer);

/* Waits at most `timeout` milliseconds (-1: for as long as it takes) and works on what is due. */
void vi_loop_step(vi_loop *loop, int timeout);

/* The next transfer that is ready (done, or as far as its owner awaits), taken off the list; NULL:
 * none. */
vi_transfer *vi_loop_take_ready(vi_loop *loop);

/* Takes a transfer off the ready list, if it is there: its owner no longer waits. */
void vi_loop_forget(vi_loop *loop, vi_transfer *transfer);

/* The next timer that is due, taken out; NULL: none. */
vi_timer *vi_loop_take_timer(vi_loop *loop);

/* Waits for `watch->events` of `watch->fd`, which is not to be one that libcurl uses. The outcome
 * appears among the ready watches, and so does an error of the descriptor, the fork of the process,
 * and libcurl's getting the number of a descriptor that was closed meanwhile; its mere closing goes
 * unseen. False, with errno set, when the system refuses. */
bool vi_loop_watch(vi_loop *loop, vi_watch *watch);

/* Gives up a watch, ready or not; one that is neither is ignored. */
void vi_loop_unwatch(vi_loop *loop, vi_watch *watch);

/* The next watch that is ready, no longer waiting; NULL: none. */
vi_watch *vi_loop_take_watch(vi_loop *loop);

/* For the other files of this room. A finished transfer joins the ready list; something has become
 * due, maybe outside of any step; a session leaves the loop; a socket of the session was opened
 * (`open`) or closed, before anything else is told of it. The last is false when out of memory. */
void vi_loop_push_ready(vi_loop *loop, vi_transfer *transfer);
void vi_loop_note_due(vi_loop *loop);
void vi_loop_detach(vi_loop *loop, vi_session *session);
bool vi_loop_note_socket(vi_loop *loop, curl_socket_t fd, bool open);

#endif
