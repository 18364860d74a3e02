/* transport/poller: many descriptors, an alarm and a bell behind one descriptor. */
#include "transport/poller.h"

#include "message/clock.h"
#include "tap.h"

#include <poll.h>
#include <unistd.h>

enum { MILLISECOND = 1000000, PATIENCE = 5000 };

static vi_poller poller;
static int pipe_ends[2];

static void close_all(void *unused) {
  (void)unused;
  vi_poller_close(&poller);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

/* A poller that watches a pipe. */
static void open_all(void) {
  check(pipe(pipe_ends) == 0 && vi_poller_open(&poller));
  tap_defer(close_all, &poller);
  check(vi_poller_watch(&poller, pipe_ends[0], 0, VI_POLL_READ));
}

static bool readable(int timeout) {
  struct pollfd descriptor = {.fd = poller.fd, .events = POLLIN};
  return poll(&descriptor, 1, timeout) > 0;
}

static int wait_for_events(void) {
  vi_poll_event events[4];
  return vi_poller_wait(&poller, events, 4, 0);
}

IT("is readable when what it watches is, and tells which") {
  vi_poll_event events[4];
  open_all();
  check(!readable(0) && wait_for_events() == 0);
  check(write(pipe_ends[1], "x", 1) == 1);
  check(readable(0));
  check_int(vi_poller_wait(&poller, events, 4, -1), 1);
  check_int(events[0].fd, pipe_ends[0]);
  check_int(events[0].ready, VI_POLL_READ);
  check(readable(0));
}

IT("has no alarm before it is given one") {
  open_all();
  vi_poller_set_alarm(&poller, 1);
  check(!readable(20));
}

IT("rings once when the moment comes, which is no event") {
  open_all();
  check(vi_poller_add_alarm(&poller) && vi_poller_add_alarm(&poller));
  int64_t moment = vi_clock_monotonic() + 30 * MILLISECOND;
  vi_poller_set_alarm(&poller, moment);
  check(!readable(0));
  check(readable(PATIENCE));
  check(vi_clock_monotonic() >= moment);
  check(readable(0));
  check_int(wait_for_events(), 0);
  check(!readable(20));
}

IT("rings at once for a moment that is over, and again when it is set again") {
  open_all();
  check(vi_poller_add_alarm(&poller));
  for (int i = 0; i < 3; i++) {
    vi_poller_set_alarm(&poller, 1);
    check(readable(PATIENCE));
    check_int(wait_for_events(), 0);
    check(!readable(0));
  }
}

IT("does not ring for a moment that was taken back or put off, rung already or not") {
  open_all();
  check(vi_poller_add_alarm(&poller));
  for (int rung = 0; rung < 2; rung++) {
    vi_poller_set_alarm(&poller, vi_clock_monotonic() + 10 * MILLISECOND);
    check(!rung || readable(PATIENCE));
    vi_poller_set_alarm(&poller, rung ? 0 : vi_clock_monotonic() + 3600000LL * MILLISECOND);
    check(!readable(30));
  }
}

IT("tells events and the alarm apart when both come") {
  vi_poll_event events[4];
  open_all();
  check(vi_poller_add_alarm(&poller));
  vi_poller_set_alarm(&poller, 1);
  check(readable(PATIENCE));
  check(write(pipe_ends[1], "x", 1) == 1);
  check_int(vi_poller_wait(&poller, events, 4, 0), 1);
  check_int(events[0].fd, pipe_ends[0]);
  check_int(vi_poller_wait(&poller, events, 4, 0), 1);
}

IT("has a bell that makes it readable once, and ends a wait without an event") {
  open_all();
  vi_poller_ring(&poller); /* there is none yet */
  check(!readable(0));
  require(vi_poller_add_bell(&poller));
  int bell = poller.bell;
  check(vi_poller_add_bell(&poller) && poller.bell == bell);
  vi_poller_ring(&poller);
  vi_poller_ring(&poller);
  check(readable(0));
  check_int(wait_for_events(), 0);
  check(!readable(0));
  vi_poller_ring(&poller);
  check(readable(0));
}
