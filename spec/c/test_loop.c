/* transport/loop: many transfers and timers behind one descriptor, over real sockets. */
#include "transport/loop.h"

#include "exchange.h"
#include "message/clock.h"
#include "messages.h"
#include "tap.h"

#include <poll.h>
#include <stdio.h>

enum { MANY = 100, MILLISECOND = 1000000 };

static int elapsed_since(int64_t start_time) {
  return (int)((vi_clock_monotonic() - start_time) / MILLISECOND);
}

/* Polled is the descriptor that the loop gave out once: asking again might bring it up to date. */
static bool readable(int fd, int timeout) {
  struct pollfd descriptor = {.fd = fd, .events = POLLIN};
  return poll(&descriptor, 1, timeout) > 0;
}

IT("is idle when new, and would wait for ever") {
  vi_loop *loop = new_loop();
  check(vi_loop_is_idle(loop));
  check_int(vi_loop_timeout(loop), -1);
  check(!vi_loop_take_ready(loop) && !vi_loop_take_timer(loop));
  check(!readable(vi_loop_fd(loop), 0));
}

IT("waits no longer than it is told") {
  vi_loop *loop = new_loop();
  int64_t begin = vi_clock_monotonic();
  vi_loop_step(loop, 0);
  vi_loop_step(loop, 30);
  int elapsed = elapsed_since(begin);
  check(elapsed >= 29 && elapsed < 1000);
}

IT("brings a response, and hands its transfer over once") {
  vi_loop *loop = new_loop();
  vi_session *session = plain_session();
  vi_transfer *transfer = start(loop, session, serve(OK_HELLO, ORIGIN_KEEP));
  check(!transfer->done && !vi_loop_is_idle(loop));
  finish_in_loop(loop, transfer);
  require(succeeded(transfer));
  check_text(vi_response_body(transfer->response), "hello");
  check(!vi_loop_is_idle(loop));
  check_int(vi_loop_timeout(loop), 0);
  check(vi_loop_take_ready(loop) == transfer);
  check(!vi_loop_take_ready(loop));
  check(vi_loop_is_idle(loop));
}

IT("carries a hundred transfers at once") {
  static const origin_answer slow = {.bytes = OK_HELLO, .delay = 100};
  vi_loop *loop = new_loop();
  vi_session *session = plain_session();
  origin *server = serve_all(&slow, 1);
  int64_t begin = vi_clock_monotonic();
  for (int i = 0; i < MANY; i++)
    start(loop, session, server);
  int taken = 0, good = 0;
  while (!vi_loop_is_idle(loop) && elapsed_since(begin) < 60000) {
    vi_loop_step(loop, 100);
    for (vi_transfer *ready; (ready = vi_loop_take_ready(loop)); taken++)
      good += ready->error.kind == VI_ERROR_NONE &&
              vi_text_equal(vi_response_body(ready->response), VI_TEXT("hello"));
  }
  check_int(taken, MANY);
  check_int(good, MANY);
  check_int(origin_connections(server), MANY); /* none waited for another's to be free */
}

IT("opens no more connections than it may, and serves all that queue for them") {
  vi_session_options options = plain_options();
  options.max_connections = 3;
  vi_loop *loop = new_loop();
  vi_session *session = session_with(options);
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_transfer *transfers[20];
  for (int i = 0; i < 20; i++)
    transfers[i] = start(loop, session, server);
  for (int i = 0; i < 20; i++) {
    finish_in_loop(loop, transfers[i]);
    check(succeeded(transfers[i]));
  }
  check(origin_connections(server) <= 3);
}

IT("can be driven from another loop by its descriptor alone") {
  static const origin_answer slow = {.bytes = OK_HELLO, .delay = 50};
  static vi_timer timer;
  vi_loop *loop = new_loop();
  check(vi_timers_add(&loop->timers, &timer, vi_clock_monotonic() + 30 * MILLISECOND));
  vi_transfer *transfer = start(loop, plain_session(), serve_all(&slow, 1));
  int fd = vi_loop_fd(loop), wakes = 0, rung = 0;
  while (!transfer->done && readable(fd, 5000)) {
    vi_loop_begin_turn(loop);
    vi_loop_step(loop, 0);
    rung += vi_loop_take_timer(loop) == &timer;
    vi_loop_end_turn(loop);
    wakes++;
  }
  check(succeeded(transfer));
  check_int(rung, 1);
  check(wakes < 100);
}

IT("is readable at once for what is added from outside of a turn") {
  vi_loop *loop = new_loop();
  origin *server = serve("", ORIGIN_HANG);
  int fd = vi_loop_fd(loop);
  check(!readable(fd, 0));
  vi_loop_set_pending(loop, true);
  check(readable(fd, 5000));
  vi_loop_set_pending(loop, false);
  vi_loop_step(loop, 0);
  check(!readable(fd, 0));
  vi_transfer *transfer = start(loop, plain_session(), server);
  check(readable(fd, 5000));
  step_until_sent(loop, server, 1);
  check(!readable(fd, 0));
  vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "no longer wanted");
  check(readable(fd, 5000));
}

IT("is readable at once for what was added in a turn, or before anybody asked for it") {
  vi_loop *loop = new_loop();
  vi_loop_set_pending(loop, true);
  int fd = vi_loop_fd(loop);
  check(readable(fd, 5000));
  for (int i = 0; i < 2; i++) {
    vi_loop_begin_turn(loop);
    vi_loop_step(loop, 0);
    check(!readable(fd, 0));
    vi_loop_set_pending(loop, i == 0);
    vi_loop_end_turn(loop);
    check(readable(fd, i == 0 ? 5000 : 0) == (i == 0));
  }
}

IT("stays readable while there is something to take, and not when it is taken") {
  vi_loop *loop = new_loop();
  int fd = vi_loop_fd(loop);
  vi_transfer *transfer = start(loop, plain_session(), serve(OK_HELLO, ORIGIN_KEEP));
  finish_in_loop(loop, transfer);
  for (int i = 0; i < 2; i++) {
    vi_loop_step(loop, 0);
    check(readable(fd, 5000));
  }
  check(vi_loop_take_ready(loop) == transfer);
  vi_loop_step(loop, 0);
  check(!readable(fd, 0));
}

IT("asks nothing of the system for its descriptor before somebody wants to poll it") {
  vi_loop *loop = new_loop();
  finish_in_loop(loop, start(loop, plain_session(), serve(OK_HELLO, ORIGIN_KEEP)));
  check_int(loop->poller.alarm, -1);
}

IT("is quiet when the server closes a connection that was kept") {
  vi_loop *loop = new_loop();
  vi_transfer *transfer = start(loop, plain_session(), serve(OK_HELLO, ORIGIN_CLOSE));
  finish_in_loop(loop, transfer);
  check(succeeded(transfer));
  vi_loop_take_ready(loop);
  for (int i = 0; i < 5; i++)
    vi_loop_step(loop, 20);
  check(!readable(vi_loop_fd(loop), 0));
}

IT("takes connections up again that were kept, dead ones too") {
  static const origin_answer answers[] = {{.bytes = OK_HELLO, .then = ORIGIN_KEEP},
                                          {.bytes = OK_HELLO, .then = ORIGIN_CLOSE},
                                          {.bytes = OK_HELLO, .then = ORIGIN_KEEP}};
  vi_loop *loop = new_loop();
  vi_session *session = plain_session();
  origin *server = serve_all(answers, 3);
  for (int i = 0; i < 4; i++) {
    vi_transfer *transfer = start(loop, session, server);
    finish_in_loop(loop, transfer);
    check(succeeded(transfer));
  }
  check_int(origin_requests(server), 4);
  check_int(origin_connections(server), 2);
}

IT("reports a refused connection and a timeout like any other end") {
  vi_session_options options = plain_options();
  options.timeout = 0.1;
  vi_loop *loop = new_loop();
  vi_session *session = session_with(options);
  char url[100];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", refused_port());
  vi_transfer *refused = transfer_of(session, request_to("GET", url, ""));
  check(vi_loop_start(loop, refused));
  vi_transfer *late = start(loop, session, serve("", ORIGIN_HANG));
  finish_in_loop(loop, late);
  check(failed_with(refused, VI_ERROR_CONNECT));
  check(failed_with(late, VI_ERROR_TIMEOUT));
  check(vi_loop_take_ready(loop) == refused);
  check(vi_loop_take_ready(loop) == late);
}

IT("drives several sessions, and refuses one that another loop drives") {
  vi_loop *loop = new_loop(), *other = new_loop();
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_session *one = plain_session(), *two = plain_session();
  vi_transfer *first = start(loop, one, server), *second = start(loop, two, server);
  vi_transfer *stray = transfer_of(one, request_for(server, "GET", "/", ""));
  check(!vi_loop_start(other, stray));
  check(failed_with(stray, VI_ERROR_REFUSED));
  check(vi_loop_is_idle(other));
  finish_in_loop(loop, first);
  finish_in_loop(loop, second);
  check(succeeded(first) && succeeded(second));
}

IT("takes single transfers off its list of ready ones") {
  vi_loop *loop = new_loop();
  vi_session *session = plain_session();
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_transfer *transfers[5];
  for (int i = 0; i < 5; i++) {
    transfers[i] = start(loop, session, server);
    finish_in_loop(loop, transfers[i]);
  }
  const int leaving[] = {2, 0, 4, 2};
  for (size_t i = 0; i < 4; i++)
    vi_loop_forget(loop, transfers[leaving[i]]);
  check(vi_loop_take_ready(loop) == transfers[1]);
  check(vi_loop_take_ready(loop) == transfers[3]);
  check(!vi_loop_take_ready(loop));
}

IT("lets a caller block on one transfer while it drives others of the session") {
  static const origin_answer slow = {.bytes = OK_HELLO, .delay = 50};
  vi_loop *loop = new_loop();
  vi_session *session = plain_session();
  origin *server = serve_all(&slow, 1);
  vi_transfer *driven = start(loop, session, server);
  check(succeeded(get_from(session, server)));
  finish_in_loop(loop, driven);
  check(succeeded(driven));
  check(succeeded(get_from(session, server)));
  check(vi_loop_take_ready(loop) == driven && !vi_loop_take_ready(loop));
}

IT("gives timers when they are due, soonest first, and not before") {
  static vi_timer soon, later;
  vi_loop *loop = new_loop();
  int64_t now = vi_clock_monotonic();
  check(vi_timers_add(&loop->timers, &later, now + 60 * MILLISECOND));
  check(vi_timers_add(&loop->timers, &soon, now + 20 * MILLISECOND));
  check(!vi_loop_is_idle(loop) && !vi_loop_take_timer(loop));
  int timeout = vi_loop_timeout(loop);
  check(timeout >= 0 && timeout <= 20);
  vi_loop_step(loop, -1);
  check(vi_clock_monotonic() >= soon.deadline);
  check(vi_loop_take_timer(loop) == &soon);
  vi_loop_step(loop, -1);
  check(vi_loop_take_timer(loop) == &later);
  check(vi_loop_is_idle(loop));
}

IT("clamps a timer beyond what a poller can wait for") {
  static vi_timer far;
  vi_loop *loop = new_loop();
  check(vi_timers_add(&loop->timers, &far, INT64_MAX));
  check_int(vi_loop_timeout(loop), INT32_MAX);
}
