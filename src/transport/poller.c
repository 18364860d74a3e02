#include "transport/poller.h"

#include <sys/epoll.h>

enum { MOST_EVENTS = 256 };

int vi_poller_open(void) {
  return epoll_create1(EPOLL_CLOEXEC);
}

bool vi_poller_watch(int poller, int fd, int watched, int events) {
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
  return epoll_ctl(poller, operation, fd, &event) == 0;
}

int vi_poller_wait(int poller, vi_poll_event *events, int count, int timeout) {
  struct epoll_event ready[MOST_EVENTS];
  int found = epoll_wait(poller, ready, count < MOST_EVENTS ? count : MOST_EVENTS, timeout);
  for (int i = 0; i < found; i++) {
    events[i].fd = ready[i].data.fd;
    events[i].ready = (ready[i].events & EPOLLIN ? VI_POLL_READ : 0) |
                      (ready[i].events & EPOLLOUT ? VI_POLL_WRITE : 0) |
                      (ready[i].events & (EPOLLERR | EPOLLHUP) ? VI_POLL_ERROR : 0);
  }
  return found < 0 ? 0 : found;
}
