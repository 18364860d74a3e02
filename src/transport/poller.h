/* Waiting for many descriptors behind one: a thin skin over the system's poller (epoll here; one
 * for another system is another file behind this header). */
#ifndef VI_TRANSPORT_POLLER_H
#define VI_TRANSPORT_POLLER_H

#include <stdbool.h>

enum { VI_POLL_READ = 1, VI_POLL_WRITE = 2, VI_POLL_ERROR = 4 };

typedef struct vi_poll_event {
  int fd;
  int ready; /* VI_POLL_* */
} vi_poll_event;

/* Opens a poller; its descriptor is readable when anything it watches is ready. -1, with errno
 * set, when the system refuses. Closed with close(). */
int vi_poller_open(void);

/* Watches `fd` for `events` (0: no longer). `watched` says what it was watched for before, 0 if
 * not at all. False, with errno set, when the system refuses. */
bool vi_poller_watch(int poller, int fd, int watched, int events);

/* Waits at most `timeout` milliseconds (-1: for ever) for up to `count` events and returns how
 * many it stored; 0 after a signal too. */
int vi_poller_wait(int poller, vi_poll_event *events, int count, int timeout);

#endif
