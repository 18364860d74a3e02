/* kqueue over epoll: descriptors that are ready to read or write, one timer and one user event a
 * queue, each known to it by any name. A queue is its own descriptor, readable when an event waits,
 * and no child has it. One change a call, and none while events are asked for; no threads but to
 * trigger. */
#include <sys/event.h>
#undef close

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MOST_QUEUES = 4096, MOST_EVENTS = 256, NANOSECONDS_PER_SECOND = 1000000000 };

typedef struct queue {
  int timer, bell;  /* -1: not made yet; else edge-triggered, so that they are seen once */
  bool timer_added; /* and not seen yet */
  size_t size;
  uint8_t *watched; /* by descriptor: 1 reading, 2 writing */
} queue;

static queue *queues[MOST_QUEUES]; /* by descriptor */

static void drop(int fd) {
  queue *it = queues[fd];
  queues[fd] = NULL;
  if (it->timer >= 0)
    close(it->timer);
  if (it->bell >= 0)
    close(it->bell);
  free(it->watched);
  free(it);
}

static void leave_to_parent(void) {
  for (int fd = 0; fd < MOST_QUEUES; fd++)
    if (queues[fd]) {
      drop(fd);
      close(fd);
    }
}

static void watch_forks(void) {
  pthread_atfork(NULL, NULL, leave_to_parent);
}

static queue *queue_of(int fd) {
  return fd >= 0 && fd < MOST_QUEUES ? queues[fd] : NULL;
}

int kqueue(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  queue *it = calloc(1, sizeof *it);
  int fd = it ? epoll_create1(0) : -1;
  if (fd < 0 || fd >= MOST_QUEUES) {
    int reason = errno;
    if (fd >= 0)
      close(fd);
    free(it);
    errno = fd >= 0 ? EMFILE : reason;
    return -1;
  }
  it->timer = it->bell = -1;
  queues[fd] = it;
  return fd;
}

int kqueue_close(int fd) {
  if (queue_of(fd))
    drop(fd);
  return close(fd);
}

/* A descriptor that was closed has left, and what was watched of it with it. */
static int set_watched(int fd, queue *it, int other, unsigned watched) {
  unsigned before = it->watched[other];
  struct epoll_event event = {.data.fd = other,
                              .events = (watched & 1 ? (unsigned)EPOLLIN | EPOLLRDHUP : 0U) |
                                        (watched & 2 ? (unsigned)EPOLLOUT : 0U)};
  int operation = !watched ? EPOLL_CTL_DEL : before ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  it->watched[other] = (uint8_t)watched;
  if (epoll_ctl(fd, operation, other, &event) == 0)
    return 0;
  it->watched[other] = 0;
  return -1;
}

static int change_descriptor(int fd, queue *it, const struct kevent *change) {
  int other = (int)change->ident;
  unsigned bit = change->filter == EVFILT_READ ? 1 : 2;
  if ((size_t)other >= it->size) {
    size_t size = (size_t)other + 64;
    uint8_t *watched = realloc(it->watched, size);
    if (!watched)
      return -1;
    for (size_t i = it->size; i < size; i++)
      watched[i] = 0;
    it->watched = watched;
    it->size = size;
  }
  if (change->flags & EV_ADD) {
    if (it->watched[other] && set_watched(fd, it, other, it->watched[other] | bit) == 0)
      return 0;
    return set_watched(fd, it, other, it->watched[other] | bit);
  }
  errno = ENOENT;
  return it->watched[other] & bit ? set_watched(fd, it, other, it->watched[other] & ~bit) : -1;
}

/* Into the queue, to be seen once each time it is set. */
static int take_in(int fd, int other) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = other};
  if (other < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, other, &event) == 0)
    return other;
  close(other);
  return -1;
}

static int change_timer(int fd, queue *it, const struct kevent *change) {
  bool adds = change->flags & EV_ADD;
  struct itimerspec setting = {0};
  errno = ENOENT;
  if (!adds && !it->timer_added)
    return -1;
  if (it->timer < 0)
    it->timer = take_in(fd, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (adds)
    setting.it_value = (struct timespec){change->data / NANOSECONDS_PER_SECOND,
                                         (long)(change->data % NANOSECONDS_PER_SECOND)};
  it->timer_added = adds;
  return timerfd_settime(it->timer, 0, &setting, NULL);
}

static int change_bell(int fd, queue *it, const struct kevent *change) {
  if (change->flags & EV_ADD) {
    if (it->bell < 0)
      it->bell = take_in(fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return it->bell < 0 ? -1 : 0;
  }
  errno = ENOENT;
  if (it->bell < 0)
    return -1;
  return change->fflags & NOTE_TRIGGER ? eventfd_write(it->bell, 1) : 0;
}

static int apply(int fd, queue *it, const struct kevent *change) {
  switch (change->filter) {
  case EVFILT_TIMER:
    return change_timer(fd, it, change);
  case EVFILT_USER:
    return change_bell(fd, it, change);
  default:
    return change_descriptor(fd, it, change);
  }
}

/* One event for each filter of a descriptor. Why it failed is not asked: that would be told once.
 */
static int tell(const queue *it, const struct epoll_event *ready, struct kevent *events) {
  int fd = ready->data.fd, count = 0;
  bool failed = ready->events & EPOLLERR;
  uint16_t end = ready->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? EV_EOF : 0;
  uint16_t no_reader = ready->events & (EPOLLHUP | EPOLLERR) ? EV_EOF : 0;
  if (it->watched[fd] & 1 && (ready->events & EPOLLIN || end))
    events[count++] = (struct kevent){.ident = (uintptr_t)fd,
                                      .filter = EVFILT_READ,
                                      .flags = end,
                                      .fflags = failed ? (uint32_t)EIO : 0};
  if (it->watched[fd] & 2 && (ready->events & EPOLLOUT || no_reader))
    events[count++] = (struct kevent){.ident = (uintptr_t)fd,
                                      .filter = EVFILT_WRITE,
                                      .flags = no_reader,
                                      .fflags = failed ? (uint32_t)EIO : 0};
  return count;
}

static int collect(int fd, queue *it, struct kevent *events, int most, int timeout) {
  struct epoll_event ready[MOST_EVENTS];
  int wanted = most < 2 ? 1 : most / 2;
  int found = epoll_wait(fd, ready, wanted < MOST_EVENTS ? wanted : MOST_EVENTS, timeout);
  int count = 0;
  for (int i = 0; i < found; i++)
    if (ready[i].data.fd == it->timer) {
      it->timer_added = false;
      events[count++] = (struct kevent){.filter = EVFILT_TIMER, .data = 1};
    } else if (ready[i].data.fd == it->bell) {
      events[count++] = (struct kevent){.filter = EVFILT_USER};
    } else {
      struct kevent both[2];
      int told = tell(it, &ready[i], both);
      for (int j = 0; j < told && count < most; j++)
        events[count++] = both[j];
    }
  return found < 0 ? -1 : count;
}

int kevent(int fd, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout) {
  queue *it = queue_of(fd);
  errno = EBADF;
  if (!it || (change_count > 0 && apply(fd, it, changes) != 0))
    return -1;
  int wait = timeout ? (int)(timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000) : -1;
  return event_count > 0 ? collect(fd, it, events, event_count, wait) : 0;
}
