/* Many requests at once: with curl_multi_poll, and with curl_multi_socket_action and epoll. */
#include "plain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MOST_EVENTS = 256, LONGEST_WAIT = 1000, MOST_SOCKETS = 65536, LITTLE = 20 };

typedef struct slot {
  CURL *easy;
  response got;
} slot;

/* The events that epoll reports for each socket, and those that libcurl wants. */
typedef struct poller {
  int fd;
  long timeout;
  struct {
    unsigned watched, wanted;
  } sockets[MOST_SOCKETS];
} poller;

static void start(CURLM *multi, run *of, slot *in) {
  response_clear(&in->got);
  curl_easy_setopt(in->easy, CURLOPT_URL, of->url);
  CURLMcode code = curl_multi_add_handle(multi, in->easy);
  if (code != CURLM_OK)
    fail("curl_multi_add_handle", curl_multi_strerror(code));
}

static slot *start_all(CURLM *multi, run *of, poller *with, curl_closesocket_callback on_close) {
  slot *slots = calloc((size_t)of->at_once, sizeof *slots);
  if (!slots)
    fail("many", "out of memory");
  run_default(of, 2 * of->at_once, LITTLE);
  for (long i = 0; i < of->at_once; i++) {
    slots[i].easy = new_handle(of, &slots[i].got);
    curl_easy_setopt(slots[i].easy, CURLOPT_PRIVATE, &slots[i]);
    if (of->one_connection)
      curl_easy_setopt(slots[i].easy, CURLOPT_PIPEWAIT, 1L);
    if (on_close) {
      curl_easy_setopt(slots[i].easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
      curl_easy_setopt(slots[i].easy, CURLOPT_CLOSESOCKETDATA, with);
    }
    start(multi, of, &slots[i]);
  }
  return slots;
}

static void end_all(CURLM *multi, run *of, slot *slots) {
  for (long i = 0; i < of->at_once; i++) {
    curl_multi_remove_handle(multi, slots[i].easy);
    curl_easy_cleanup(slots[i].easy);
    response_free(&slots[i].got);
  }
  free(slots);
  curl_multi_cleanup(multi);
}

/* Looks at what has finished and starts the next request in its place; whether there was any. */
static bool go_on(CURLM *multi, run *of) {
  bool any = false;
  int left;
  for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
    CURLcode code = message->data.result;
    char *data = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &data);
    slot *in = (slot *)(void *)data;
    check(of, in->easy, code, &in->got);
    curl_multi_remove_handle(multi, in->easy);
    run_count(of);
    start(multi, of, in);
    any = true;
  }
  return any;
}

void many_with_poll(run *of) {
  CURLM *multi = curl_multi_init();
  slot *slots = start_all(multi, of, NULL, NULL);
  while (!of->over) {
    int running;
    CURLMcode code = curl_multi_perform(multi, &running);
    if (code == CURLM_OK && !go_on(multi, of))
      code = curl_multi_poll(multi, NULL, 0, LONGEST_WAIT, NULL);
    if (code != CURLM_OK)
      fail("curl_multi_perform", curl_multi_strerror(code));
  }
  end_all(multi, of, slots);
}

static void watch(poller *with, int fd, unsigned events) {
  struct epoll_event event = {.data.fd = fd, .events = events};
  unsigned watched = with->sockets[fd].watched;
  int operation = !events ? EPOLL_CTL_DEL : watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (events != watched && epoll_ctl(with->fd, operation, fd, &event) != 0)
    fail("epoll_ctl", strerror(errno));
  with->sockets[fd].watched = events;
}

/* A socket that libcurl no longer wants stays with epoll until it makes noise: on a kept
 * connection the next request wants it again, and two system calls a request are saved. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *unused) {
  (void)easy;
  (void)unused;
  poller *with = user;
  if (fd >= MOST_SOCKETS)
    return -1;
  unsigned wanted = 0;
  if (what != CURL_POLL_REMOVE)
    wanted = (what & CURL_POLL_IN ? (unsigned)EPOLLIN : 0U) |
             (what & CURL_POLL_OUT ? (unsigned)EPOLLOUT : 0U);
  with->sockets[fd].wanted = wanted;
  if (wanted)
    watch(with, fd, wanted);
  return 0;
}

static int on_close(void *user, curl_socket_t fd) {
  poller *with = user;
  if (fd < MOST_SOCKETS)
    with->sockets[fd].watched = with->sockets[fd].wanted = 0;
  return close(fd);
}

static int on_timer(CURLM *multi, long timeout, void *user) {
  (void)multi;
  poller *with = user;
  with->timeout = timeout;
  return 0;
}

static void act(CURLM *multi, poller *with, const struct epoll_event *event) {
  int fd = event->data.fd, running;
  if (!with->sockets[fd].wanted) {
    watch(with, fd, 0);
    return;
  }
  int what = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) |
             (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
             (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
  curl_multi_socket_action(multi, fd, what, &running);
}

/* libcurl's timeout is taken as counted from the wait: good enough where answers come fast. */
void many_with_epoll(run *of) {
  poller *with = calloc(1, sizeof *with);
  CURLM *multi = curl_multi_init();
  if (!with || !multi || (with->fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
    fail("many-epoll", "no memory or no descriptor");
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, with);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, with);
  slot *slots = start_all(multi, of, with, on_close);
  while (!of->over) {
    struct epoll_event events[MOST_EVENTS];
    long timeout = with->timeout;
    if (timeout < 0 || timeout > LONGEST_WAIT)
      timeout = LONGEST_WAIT;
    int running, count = epoll_wait(with->fd, events, MOST_EVENTS, (int)timeout);
    for (int i = 0; i < count; i++)
      act(multi, with, &events[i]);
    if (count <= 0 || with->timeout == 0)
      curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    go_on(multi, of);
  }
  end_all(multi, of, slots);
  close(with->fd);
  free(with);
}
