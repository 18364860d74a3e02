/* Waiting for many descriptors, and for one moment, behind one descriptor: a thin skin over the
 * system's poller, which is epoll on Linux and kqueue elsewhere, or where -DVI_PORTABLE is given.
 */
#ifndef VI_TRANSPORT_POLLER_H
#define VI_TRANSPORT_POLLER_H

#include <stdbool.h>
#include <stdint.h>

#if defined __linux__ && !defined VI_PORTABLE
#define VI_POLLER_EPOLL 1
#endif

enum { VI_POLL_READ = 1, VI_POLL_WRITE = 2, VI_POLL_ERROR = 4 };

typedef struct vi_poll_event {
  int fd;
  int ready; /* VI_POLL_* */
} vi_poll_event;

typedef struct vi_poller {
  int fd;           /* readable when anything it watches is ready, or its alarm has rung */
  int alarm;        /* -1: it has none */
  int64_t rings_at; /* when the alarm will; 0: it is not set, or has rung */
  int bell;         /* -1: it has none */
  int owner;        /* the process that opened it, where a child does not inherit it */
} vi_poller;

/* Opens a poller without an alarm. False, with errno set, when the system refuses. */
bool vi_poller_open(vi_poller *poller);

void vi_poller_close(vi_poller *poller);

/* Watches `fd` for `events` (0: no longer). `watched` says what it was watched for before, 0 if
 * not at all; one that was closed since then, and opened again, counts as not watched. False, with
 * errno set, when the system refuses. */
bool vi_poller_watch(const vi_poller *poller, int fd, int watched, int events);

/* Gives the poller an alarm, if it has none yet. False, with errno set, when the system refuses. */
bool vi_poller_add_alarm(vi_poller *poller);

/* Has the alarm ring once at that moment of vi_clock_monotonic(), at once if it is over; 0: not at
 * all. No system call where nothing changes, or where there is no alarm. */
void vi_poller_set_alarm(vi_poller *poller, int64_t moment);

/* Gives the poller a bell, if it has none yet. False, with errno set, when the system refuses. */
bool vi_poller_add_bell(vi_poller *poller);

/* Ends the wait that goes on, or the next one; `fd` is readable until then. From any thread. */
void vi_poller_ring(const vi_poller *poller);

/* Waits at most `timeout` milliseconds (-1: for ever) for up to `count` events and returns how
 * many it stored; 0 after a signal, and after the alarm or the bell alone, too. */
int vi_poller_wait(vi_poller *poller, vi_poll_event *events, int count, int timeout);

#endif
