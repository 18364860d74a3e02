/* A faulty origin on loopback: one thread for all connections, thousands of answers a second.
 *
 *   origin
 *
 * Prints its port, and serves until it is killed. What it answers to /NAME/NUMBER stands in
 * answers.c; GET /tally says what has reached it (tally.h), and GET /forget has it begin anew. */
#include "answers.h"
#include "tally.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 8192, MOST_EVENTS = 64, BACKLOG = 4096, TICK = 2, FLOODED_AT_ONCE = 1 << 16 };

typedef struct connection {
  int fd;
  size_t read, sent; /* bytes of the request, and of the answer */
  bool answering;
  answer now;
  long close_at;                   /* milliseconds on the clock; 0: not by itself */
  struct connection *next, **link; /* in the list of those that close by themselves */
  char request[ROOM + 1];
} connection;

static int poller;
static connection *closing;

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* ---- Ends ---- */

static void unlink_closing(connection *self) {
  if (!self->link)
    return;
  *self->link = self->next;
  if (self->next)
    self->next->link = self->link;
  self->link = NULL;
}

static void close_later(connection *self, int pause) {
  unlink_closing(self);
  self->close_at = milliseconds() + pause;
  self->next = closing;
  self->link = &closing;
  if (closing)
    closing->link = &self->next;
  closing = self;
}

static void end(connection *self, bool reset) {
  struct linger none = {1, 0};
  if (reset)
    setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  unlink_closing(self);
  close(self->fd);
  free(self->now.made);
  free(self);
}

static void end_idle(void) {
  long now = milliseconds();
  for (connection *self = closing, *next; self; self = next) {
    next = self->next;
    if (self->close_at <= now)
      end(self, false);
  }
}

/* ---- Requests ---- */

static size_t body_length(const char *head) {
  const char *field = strcasestr(head, "\r\nContent-Length:");
  return field ? (size_t)strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* The bytes of the request that has come whole, 0 if it has not. */
static size_t whole_length(const char *request, size_t read) {
  const char *blank = strstr(request, "\r\n\r\n");
  size_t length = blank ? (size_t)(blank - request) + 4 + body_length(request) : 0;
  return length <= read ? length : 0;
}

static answer tell(char *text) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
  char *bytes = malloc(sizeof head + strlen(text));
  if (!bytes)
    abort();
  size_t length = (size_t)sprintf(bytes, "%s%s", head, text);
  free(text);
  return (answer){.bytes = bytes, .length = length, .made = bytes, .end = END_CLOSE};
}

static answer answer_request(const char *request) {
  char name[TALLY_NAME] = "", method[16] = "";
  unsigned long number = 0;
  if (sscanf(request, "%15s /%31[^/ ?]/%lu", method, name, &number) < 2)
    return (answer){.bytes = "", .end = END_CLOSE};
  if (strcmp(name, "forget") == 0)
    tally_clear();
  if (strcmp(name, "forget") == 0 || strcmp(name, "tally") == 0)
    return tell(tally_text());
  question asked = {.name = name, .number = number, .before = tally_add(name)};
  asked.is_post = strcmp(method, "POST") == 0;
  asked.is_conditional = strcasestr(request, "\r\nIf-None-Match:") != NULL;
  if (asked.is_post)
    tally_once(name, number);
  return answer_to(&asked);
}

/* ---- Connections ---- */

static void watch(connection *self, unsigned events) {
  struct epoll_event event = {.events = events, .data.ptr = self};
  epoll_ctl(poller, EPOLL_CTL_MOD, self->fd, &event);
}

/* Sends the repeated part many times at once, from where it stopped. */
static ssize_t send_flood(const connection *self) {
  static char block[FLOODED_AT_ONCE];
  const answer *now = &self->now;
  const char *again = now->bytes + now->length - now->repeated;
  size_t length = 0, from = (self->sent - now->length) % now->repeated;
  for (; length + now->repeated <= sizeof block; length += now->repeated)
    memcpy(block + length, again, now->repeated);
  return send(self->fd, block + from, length - from, MSG_NOSIGNAL);
}

static ssize_t send_more(const connection *self) {
  const answer *now = &self->now;
  return self->sent < now->length
             ? send(self->fd, now->bytes + self->sent, now->length - self->sent, MSG_NOSIGNAL)
             : send_flood(self);
}

/* Sends what is left; false if the client is gone, or has to read first. */
static bool send_rest(connection *self, bool *gone) {
  while (self->sent < self->now.length || self->now.end == END_FLOOD) {
    ssize_t count = send_more(self);
    if (count < 0) {
      *gone = errno != EAGAIN;
      return false;
    }
    self->sent += (size_t)count;
  }
  return true;
}

/* Plays the end of an answer that was sent; false if that was the connection's as well. */
static bool play_end(connection *self) {
  answer_end how = self->now.end;
  int idle = self->now.idle;
  free(self->now.made);
  self->now = (answer){0};
  if (how == END_HANG)
    return true; /* `answering` still: what it reads is the client's end alone */
  if (how == END_RESET || (how == END_CLOSE && !idle)) {
    end(self, how == END_RESET);
    return false;
  }
  self->answering = false;
  if (idle)
    close_later(self, idle);
  return true;
}

/* False if the connection is over. */
static bool answer_all(connection *self) {
  size_t length;
  while (!self->answering && (length = whole_length(self->request, self->read)) > 0) {
    self->now = answer_request(self->request);
    self->answering = true;
    self->sent = 0;
    self->read -= length;
    memmove(self->request, self->request + length, self->read + 1);
    unlink_closing(self);
    bool gone = false;
    if (send_rest(self, &gone)) {
      if (!play_end(self))
        return false;
    } else if (gone) {
      end(self, false);
      return false;
    } else {
      watch(self, EPOLLIN | EPOLLOUT);
    }
  }
  return true;
}

static void go_on_sending(connection *self) {
  bool gone = false;
  if (send_rest(self, &gone)) {
    watch(self, EPOLLIN);
    if (play_end(self))
      answer_all(self);
  } else if (gone) {
    end(self, false);
  }
}

static void on_event(connection *self, unsigned events) {
  if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
    ssize_t count = recv(self->fd, self->request + self->read, ROOM - self->read, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) {
      end(self, false);
      return;
    }
    self->read += count > 0 ? (size_t)count : 0;
    self->request[self->read] = '\0';
    if (!answer_all(self))
      return;
  }
  if (events & EPOLLOUT)
    go_on_sending(self);
}

static void take_connections(int listener) {
  int fd, on = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    connection *new = calloc(1, sizeof *new);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = new};
    if (!new)
      abort();
    new->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

static int listen_on_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
      listen(listener, BACKLOG) < 0 ||
      getsockname(listener, (struct sockaddr *)&address, &size) < 0)
    fail("origin");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

int main(void) {
  struct epoll_event events[MOST_EVENTS], event = {.events = EPOLLIN};
  signal(SIGPIPE, SIG_IGN);
  answers_prepare();
  int listener = listen_on_loopback();
  poller = epoll_create1(EPOLL_CLOEXEC);
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(poller, events, MOST_EVENTS, closing ? TICK : -1);
    for (int i = 0; i < count; i++)
      if (events[i].data.ptr)
        on_event(events[i].data.ptr, events[i].events);
      else
        take_connections(listener);
    end_idle();
  }
}
