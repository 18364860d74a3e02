/* transport/queue: requests wait in the order they came until their session may have another one in
 * flight. */
#include "transport/queue.h"

#include "exchange.h"
#include "messages.h"
#include "tap.h"

#include <stdio.h>

enum { MANY = 8 };

static vi_session *session_of_connections(long count) {
  vi_session_options options = plain_options();
  options.max_connections = count;
  return session_with(options);
}

/* A request to "/0", "/1" and so on. */
static vi_request *numbered(const origin *server, size_t number) {
  char path[20];
  snprintf(path, sizeof path, "/%zu", number);
  return request_for(server, "GET", path, "");
}

/* That many of them, started: in the loop, or for a caller who blocks. */
static void start_numbered(vi_transfer **transfers, size_t count, vi_session *session,
                           const origin *server, vi_loop *loop) {
  for (size_t i = 0; i < count; i++) {
    transfers[i] = transfer_of(session, numbered(server, i));
    if (loop)
      check(vi_loop_start(loop, transfers[i]));
    else
      vi_transfer_start(transfers[i]);
  }
}

/* The number in the path of what the server read `index`th; -1 if there was none. */
static int path_number(origin *server, size_t index) {
  int number = -1;
  vi_text request = origin_request(server, index);
  if (request.data)
    sscanf(request.data, "GET /%d ", &number);
  return number;
}

IT("starts them in the order they came, each when the one before is done") {
  for (int looped = 0; looped < 2; looped++) {
    vi_session *session = session_of_connections(1);
    vi_transfer *transfers[MANY];
    origin *server = serve(OK_HELLO, ORIGIN_KEEP);
    start_numbered(transfers, MANY, session, server, looped ? new_loop() : NULL);
    check(transfers[0]->in_flight && !transfers[0]->queued);
    for (size_t i = MANY; i-- > 0;) { /* the last one first: it waits for all others */
      finish(transfers[i]);
      check(succeeded(transfers[i]));
    }
    for (int i = 0; i < MANY; i++)
      check_int(path_number(server, (size_t)i), i);
    check_int(origin_connections(server), 1);
  }
}

IT("gives no handle to what waits, and one handle to all in turn") {
  vi_session *session = session_of_connections(1);
  vi_transfer *transfers[MANY];
  start_numbered(transfers, MANY, session, serve(OK_HELLO, ORIGIN_KEEP), NULL);
  check_int(session->active_count, 1);
  for (size_t i = 1; i < MANY; i++)
    check(transfers[i]->queued && !transfers[i]->handle && !transfers[i]->in_flight);
  finish(transfers[MANY - 1]);
  check_int(session->idle_count, 1);
  check_int(session->active_count, 0);
}

IT("lets as many go at once as there may be connections, and all where there is no limit") {
  for (long limit = 0; limit < 4; limit++) {
    vi_session *session = session_of_connections(limit);
    vi_transfer *transfers[MANY];
    start_numbered(transfers, MANY, session, serve("", ORIGIN_HANG), new_loop());
    tap_at("%ld connections", limit);
    check_int(session->active_count, limit ? limit : MANY);
    check_int(vi_queue_must_wait(session), limit > 0);
    check(!vi_queue_can_admit(session));
  }
}

IT("lets a hundred share a connection once an answer came over one that can be shared") {
  enum { STREAMS = 100 };
  vi_session *session = session_of_connections(1);
  origin *server = serve("", ORIGIN_HANG);
  vi_transfer *transfers[STREAMS + 2];
  session->multiplexes = true;
  start_numbered(transfers, STREAMS + 2, session, server, new_loop());
  check_int(session->active_count, STREAMS);
  check(transfers[STREAMS]->queued && transfers[STREAMS + 1]->queued);
}

IT("lets none share a connection while a response is streamed") {
  vi_session *session = session_of_connections(1);
  vi_loop *loop = new_loop();
  origin *server = serve("", ORIGIN_HANG);
  vi_transfer *transfers[2];
  session->multiplexes = true;
  vi_transfer *stream = stream_from(session, server);
  check(vi_loop_start(loop, stream));
  start_numbered(transfers, 2, session, server, loop);
  check(transfers[0]->queued && transfers[1]->queued);
  vi_transfer_abort(stream, VI_ERROR_CANCELLED, "no longer wanted");
  vi_queue_admit(session);
  check(!transfers[0]->queued && !transfers[1]->queued);
}

IT("admits none beyond the limit when connections turn out not to be shared") {
  vi_session *session = session_of_connections(1);
  vi_loop *loop = new_loop();
  vi_transfer *transfers[3];
  session->multiplexes = true;
  start_numbered(transfers, 2, session, serve(OK_HELLO, ORIGIN_KEEP), loop);
  check_int(session->active_count, 2);
  finish_in_loop(loop, transfers[0]);
  check(!session->multiplexes);
  transfers[2] = start(loop, session, serve(OK_HELLO, ORIGIN_KEEP));
  check(transfers[1]->done || transfers[2]->queued);
  finish_in_loop(loop, transfers[2]);
  check(succeeded(transfers[1]) && succeeded(transfers[2]));
}

IT("goes on with the others when one leaves its first, middle or last place") {
  for (int looped = 0; looped < 2; looped++) {
    vi_session *session = session_of_connections(1);
    origin *server = serve(OK_HELLO, ORIGIN_KEEP);
    vi_transfer *transfers[MANY];
    start_numbered(transfers, MANY, session, server, looped ? new_loop() : NULL);
    const size_t leaving[] = {4, 1, MANY - 1};
    for (size_t i = 0; i < 3; i++) {
      vi_transfer_abort(transfers[leaving[i]], VI_ERROR_CANCELLED, "no longer wanted");
      check(failed_with(transfers[leaving[i]], VI_ERROR_CANCELLED));
      check(!transfers[leaving[i]]->queued && !transfers[leaving[i]]->error.maybe_sent);
    }
    finish(transfers[MANY - 2]);
    const int staying[] = {0, 2, 3, 5, 6};
    for (size_t i = 0; i < 5; i++) {
      check(succeeded(transfers[staying[i]]));
      check_int(path_number(server, i), staying[i]);
    }
    check_int(origin_requests(server), 5);
    check(!session->queued_first && !session->queued_last);
  }
}

IT("forgets one that is released while it waits") {
  vi_session *session = session_of_connections(1);
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_loop *loop = new_loop();
  vi_transfer *first = start(loop, session, server);
  vi_transfer *waiting = vi_transfer_new(session, numbered(server, 1), NULL);
  require(waiting && vi_loop_start(loop, waiting));
  check(waiting->queued);
  vi_transfer_release(waiting);
  check(!session->queued_first && !session->queued_last);
  finish_in_loop(loop, first);
  check(vi_loop_take_ready(loop) == first && vi_loop_is_idle(loop));
  check_int(origin_requests(server), 1);
}

IT("admits the next one when the one in flight is aborted, released or fails") {
  static const origin_answer answers[] = {{.then = ORIGIN_HANG}, {.bytes = OK_HELLO}};
  for (int way = 0; way < 3; way++) {
    vi_loop *loop = new_loop();
    vi_session *session = session_of_connections(1);
    origin *server = serve_all(answers, 2);
    vi_transfer *first = vi_transfer_new(session, numbered(server, 0), NULL);
    require(first && vi_loop_start(loop, first));
    vi_transfer *second = start(loop, session, server);
    step_until_sent(loop, server, 1);
    tap_at("way %d", way);
    check(second->queued);
    if (way == 0)
      vi_transfer_abort(first, VI_ERROR_CANCELLED, "no longer wanted");
    if (way < 2)
      vi_transfer_release(first);
    else
      vi_session_abort_all(session, VI_ERROR_CANCELLED, "all of them");
    if (way < 2) {
      check(vi_queue_can_admit(session));
      check_int(vi_loop_timeout(loop), 0);
      finish_in_loop(loop, second);
      check(succeeded(second));
    } else {
      check(failed_with(second, VI_ERROR_CANCELLED) && failed_with(first, VI_ERROR_CANCELLED));
      vi_transfer_release(first);
    }
  }
}

IT("fills all the room that there is at once") {
  vi_loop *loop = new_loop();
  vi_session *session = session_of_connections(4);
  vi_transfer *transfers[MANY];
  start_numbered(transfers, MANY, session, serve("", ORIGIN_HANG), loop);
  for (int i = 1; i < 4; i++)
    vi_transfer_abort(transfers[i], VI_ERROR_CANCELLED, "no longer wanted");
  check_int(session->active_count, 1);
  vi_loop_step(loop, 0);
  check_int(session->active_count, 4);
  check(transfers[6]->in_flight && transfers[7]->queued);
}

IT("puts what comes later behind those that wait, though there is room already") {
  static const origin_answer answers[] = {{.then = ORIGIN_HANG}, {.bytes = OK_HELLO}};
  vi_session *session = session_of_connections(1);
  origin *server = serve_all(answers, 2);
  vi_loop *loop = new_loop();
  vi_transfer *transfers[3];
  start_numbered(transfers, 2, session, server, loop);
  step_until_sent(loop, server, 1);
  vi_transfer_abort(transfers[0], VI_ERROR_CANCELLED, "no longer wanted");
  check(vi_queue_must_wait(session));
  transfers[2] = transfer_of(session, numbered(server, 2));
  check(vi_loop_start(loop, transfers[2]));
  check(transfers[1]->queued && transfers[2]->queued);
  finish_in_loop(loop, transfers[2]);
  check_int(path_number(server, 1), 1);
  check_int(path_number(server, 2), 2);
}

IT("goes on behind one that cannot even connect") {
  char url[100];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", refused_port());
  vi_session *session = session_of_connections(1);
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_transfer *refused = transfer_of(session, request_to("GET", url, ""));
  vi_transfer *next = transfer_of(session, numbered(server, 1));
  vi_transfer_start(refused);
  vi_transfer_start(next);
  finish(next);
  check(failed_with(refused, VI_ERROR_CONNECT) && succeeded(next));
}

IT("ends what waits, unsent, when the session or the loop is closed") {
  for (int closing = 0; closing < 2; closing++) {
    vi_session *session = session_of_connections(1);
    vi_loop *loop = vi_loop_new(NULL);
    require(loop);
    origin *server = serve("", ORIGIN_HANG);
    vi_transfer *transfers[3];
    start_numbered(transfers, 3, session, server, loop);
    step_until_sent(loop, server, 1);
    if (closing)
      vi_session_close(session);
    else
      vi_loop_free(loop);
    for (size_t i = 0; i < 3; i++) {
      check(failed_with(transfers[i], VI_ERROR_CLOSED));
      check_int(transfers[i]->error.maybe_sent, i == 0);
    }
    check(!session->queued_first && session->active_count == 0);
    if (closing)
      vi_loop_free(loop);
  }
}

IT("lets a caller block for his turn behind what a loop has in flight") {
  static const origin_answer slow = {.bytes = OK_HELLO, .delay = 50};
  vi_session *session = session_of_connections(1);
  vi_loop *loop = new_loop();
  origin *server = serve_all(&slow, 1);
  vi_transfer *looped[2];
  start_numbered(looped, 2, session, server, loop);
  vi_transfer *blocking = exchange(session, numbered(server, 2));
  check(succeeded(blocking) && succeeded(looped[0]) && succeeded(looped[1]));
  check_int(path_number(server, 2), 2);
  check(vi_loop_take_ready(loop) == looped[0] && vi_loop_take_ready(loop) == looped[1]);
  check(vi_loop_is_idle(loop));
}

IT("keeps ten thousand waiting requests light, and serves them all") {
  enum { VERY_MANY = 10000 };
  vi_session_options options = plain_options();
  options.max_connections = 4;
  options.timeout = 0;
  vi_session *session = session_with(options);
  vi_loop *loop = new_loop();
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_request *request = request_for(server, "GET", "/", "");
  for (int i = 0; i < VERY_MANY; i++) {
    vi_transfer *transfer = vi_transfer_new(session, request, NULL);
    require(transfer && vi_loop_start(loop, transfer));
  }
  check_int(session->active_count, 4);
  int good = 0;
  while (!vi_loop_is_idle(loop)) {
    vi_loop_step(loop, 1000);
    for (vi_transfer *ready; (ready = vi_loop_take_ready(loop)); vi_transfer_release(ready))
      good += ready->error.kind == VI_ERROR_NONE;
  }
  check_int(good, VERY_MANY);
  check(session->idle_count <= 4);
  check(origin_connections(server) <= 4);
}
