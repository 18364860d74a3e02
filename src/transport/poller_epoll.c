#include "transport/poller.h"

#ifdef VI_POLLER_EPOLL

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MOST_EVENTS = 256, NANOSECONDS_PER_SECOND = 1000000000 };

bool vi_poller_open(vi_poller *poller) {
  *poller = (vi_poller){.fd = epoll_create1(EPOLL_CLOEXEC), .alarm = -1, .bell = -1};
  return poller->fd >= 0;
}

void vi_poller_close(vi_poller *poller) {
  if (poller->bell >= 0)
    close(poller->bell);
  if (poller->alarm >= 0)
    close(poller->alarm);
  if (poller->fd >= 0)
    close(poller->fd);
  *poller = (vi_poller){.fd = -1, .alarm = -1, .bell = -1};
}

bool vi_poller_watch(const vi_poller *poller, int fd, int watched, int events) {
  struct epoll_event event = {.data.fd = fd};
  if (events & VI_POLL_READ)
    event.events |= EPOLLIN;
  if (events & VI_POLL_WRITE)
    event.events |= EPOLLOUT;
  int operation = EPOLL_CTL_MOD;
  if (!events)
    operation = EPOLL_CTL_DEL;
  else if (!watched)
    operation = EPOLL_CTL_ADD;
  if (epoll_ctl(poller->fd, operation, fd, &event) == 0)
    return true;
  return operation == EPOLL_CTL_MOD && errno == ENOENT &&
         epoll_ctl(poller->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Edge-triggered: seen once by epoll_wait, it is quiet until it is set again, without a read. Takes
 * the descriptor over; -1 if the system refuses one or the other. */
static int add_quiet(const vi_poller *poller, int fd) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
  if (fd < 0 || epoll_ctl(poller->fd, EPOLL_CTL_ADD, fd, &event) == 0)
    return fd;
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

bool vi_poller_add_alarm(vi_poller *poller) {
  if (poller->alarm < 0)
    poller->alarm = add_quiet(poller, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  return poller->alarm >= 0;
}

bool vi_poller_add_bell(vi_poller *poller) {
  if (poller->bell < 0)
    poller->bell = add_quiet(poller, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return poller->bell >= 0;
}

void vi_poller_ring(const vi_poller *poller) {
  static const uint64_t once = 1;
  while (poller->bell >= 0 && write(poller->bell, &once, sizeof once) < 0 && errno == EINTR)
    continue;
}

void vi_poller_set_alarm(vi_poller *poller, int64_t moment) {
  if (poller->alarm < 0 || moment == poller->rings_at)
    return;
  struct itimerspec setting = {.it_value = {.tv_sec = (time_t)(moment / NANOSECONDS_PER_SECOND),
                                            .tv_nsec = (long)(moment % NANOSECONDS_PER_SECOND)}};
  timerfd_settime(poller->alarm, TFD_TIMER_ABSTIME, &setting, NULL);
  poller->rings_at = moment;
}

static vi_poll_event event_of(const struct epoll_event *ready) {
  return (vi_poll_event){.fd = ready->data.fd,
                         .ready = (ready->events & EPOLLIN ? VI_POLL_READ : 0) |
                                  (ready->events & EPOLLOUT ? VI_POLL_WRITE : 0) |
                                  (ready->events & (EPOLLERR | EPOLLHUP) ? VI_POLL_ERROR : 0)};
}

int vi_poller_wait(vi_poller *poller, vi_poll_event *events, int count, int timeout) {
  struct epoll_event ready[MOST_EVENTS];
  int found = epoll_wait(poller->fd, ready, count < MOST_EVENTS ? count : MOST_EVENTS, timeout);
  int stored = 0;
  for (int i = 0; i < found; i++)
    if (ready[i].data.fd == poller->alarm)
      poller->rings_at = 0;
    else if (ready[i].data.fd != poller->bell)
      events[stored++] = event_of(&ready[i]);
  return stored;
}

#endif
