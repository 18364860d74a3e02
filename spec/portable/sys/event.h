/* The part of kqueue that src/transport/poller_kqueue.c uses, for Linux, which has none: with it
 * the fallbacks are built and run there. See kqueue.c for what it does and does not do. */
#ifndef SPEC_PORTABLE_SYS_EVENT_H
#define SPEC_PORTABLE_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

enum { EVFILT_READ = -1, EVFILT_WRITE = -2, EVFILT_TIMER = -7, EVFILT_USER = -10 };
enum { EV_ADD = 1, EV_DELETE = 2, EV_ONESHOT = 0x10, EV_CLEAR = 0x20, EV_ERROR = 0x4000 };
#define EV_EOF 0x8000
#define NOTE_NSECONDS 4
#define NOTE_TRIGGER 0x01000000

struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void *udata;
};

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout);

/* What a queue is made of here has to be closed with it. */
int kqueue_close(int fd);
#define close kqueue_close

#endif
