#include "transport/poller.h"

#ifndef VI_POLLER_EPOLL

#include "message/clock.h"
#include "message/descriptor.h"

/* Before this one, on the BSDs. */
#include <sys/types.h>

#include <sys/event.h>
#include <time.h>

enum { MOST_EVENTS = 256, MILLISECONDS_PER_SECOND = 1000, NANOSECONDS_PER_MILLISECOND = 1000000 };

/* Names of the alarm and the bell, each the only one of its kind. */
enum { ALARM = 1, BELL = 1 };

static bool change(const vi_poller *poller, struct kevent one) {
  return kevent(poller->fd, &one, 1, NULL, 0, NULL) == 0;
}

bool vi_poller_open(vi_poller *poller) {
  *poller = (vi_poller){.fd = kqueue(), .alarm = -1, .bell = -1, .owner = (int)getpid()};
  return poller->fd >= 0 && vi_close_on_exec(poller->fd);
}

/* In a child it is closed already, and the number may be another's. */
void vi_poller_close(vi_poller *poller) {
  if (poller->fd >= 0 && poller->owner == (int)getpid())
    close(poller->fd);
  *poller = (vi_poller){.fd = -1, .alarm = -1, .bell = -1};
}

/* Reading and writing are watched each by itself. What was closed is watched no longer. */
bool vi_poller_watch(const vi_poller *poller, int fd, int watched, int events) {
  struct kevent reads = {.ident = (uintptr_t)fd, .filter = EVFILT_READ, .flags = EV_ADD};
  struct kevent writes = {.ident = (uintptr_t)fd, .filter = EVFILT_WRITE, .flags = EV_ADD};
  if ((events & VI_POLL_READ && !change(poller, reads)) ||
      (events & VI_POLL_WRITE && !change(poller, writes)))
    return false;
  reads.flags = writes.flags = EV_DELETE;
  bool done = true;
  if (watched & ~events & VI_POLL_READ)
    done = change(poller, reads) || errno == ENOENT;
  if (watched & ~events & VI_POLL_WRITE)
    done = (change(poller, writes) || errno == ENOENT) && done;
  return done;
}

/* It needs no descriptor, and nothing before it is set. */
bool vi_poller_add_alarm(vi_poller *poller) {
  poller->alarm = ALARM;
  return true;
}

void vi_poller_set_alarm(vi_poller *poller, int64_t moment) {
  if (poller->alarm < 0 || moment == poller->rings_at)
    return;
  struct kevent alarm = {.ident = ALARM, .filter = EVFILT_TIMER, .flags = EV_DELETE};
  if (poller->rings_at)
    change(poller, alarm); /* rung already or not */
  poller->rings_at = moment;
  if (!moment)
    return;
  int64_t left = moment - vi_clock_monotonic();
  left = left > 0 ? left : 1;
  alarm.flags = EV_ADD | EV_ONESHOT;
#ifdef NOTE_NSECONDS
  alarm.fflags = NOTE_NSECONDS;
  alarm.data = (intptr_t)left;
#else
  alarm.data =
      (intptr_t)((left + NANOSECONDS_PER_MILLISECOND - 1) / NANOSECONDS_PER_MILLISECOND); /* ms */
#endif
  change(poller, alarm);
}

bool vi_poller_add_bell(vi_poller *poller) {
  const struct kevent bell = {.ident = BELL, .filter = EVFILT_USER, .flags = EV_ADD | EV_CLEAR};
  if (poller->bell < 0 && change(poller, bell))
    poller->bell = BELL;
  return poller->bell >= 0;
}

void vi_poller_ring(const vi_poller *poller) {
  const struct kevent bell = {.ident = BELL, .filter = EVFILT_USER, .fflags = NOTE_TRIGGER};
  while (poller->bell >= 0 && !change(poller, bell) && errno == EINTR)
    continue;
}

/* An end may be seen before all is read that came before it: only an error is one at once. */
static int ready_by(const struct kevent *event) {
  if (event->flags & EV_ERROR)
    return VI_POLL_ERROR;
  int ready = event->filter == EVFILT_READ ? VI_POLL_READ : VI_POLL_WRITE;
  bool failed = event->flags & EV_EOF && (event->fflags != 0 || event->filter == EVFILT_WRITE);
  return failed ? ready | VI_POLL_ERROR : ready;
}

/* The event of a descriptor, which may have one already. */
static vi_poll_event *event_of(vi_poll_event *events, int *stored, int fd) {
  for (int i = *stored; i-- > 0;)
    if (events[i].fd == fd)
      return &events[i];
  events[*stored] = (vi_poll_event){.fd = fd};
  return &events[(*stored)++];
}

int vi_poller_wait(vi_poller *poller, vi_poll_event *events, int count, int timeout) {
  struct kevent ready[MOST_EVENTS];
  struct timespec limit = {.tv_sec = timeout / MILLISECONDS_PER_SECOND,
                           .tv_nsec = (long)(timeout % MILLISECONDS_PER_SECOND) *
                                      NANOSECONDS_PER_MILLISECOND};
  int found = kevent(poller->fd, NULL, 0, ready, count < MOST_EVENTS ? count : MOST_EVENTS,
                     timeout < 0 ? NULL : &limit);
  int stored = 0;
  for (int i = 0; i < found; i++)
    if (ready[i].filter == EVFILT_TIMER)
      poller->rings_at = 0;
    else if (ready[i].filter != EVFILT_USER)
      event_of(events, &stored, (int)ready[i].ident)->ready |= ready_by(&ready[i]);
  return stored;
}

#endif
