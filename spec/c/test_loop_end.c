/* transport/loop: what becomes of transfers when they, their session or their loop end early. */
#include "exchange.h"
#include "messages.h"
#include "tap.h"

IT("ends what is in flight when it is freed, and its sessions go on elsewhere") {
  static const origin_answer answers[] = {{.bytes = OK_HELLO, .then = ORIGIN_KEEP},
                                          {.bytes = NULL, .then = ORIGIN_HANG},
                                          {.bytes = OK_HELLO, .then = ORIGIN_KEEP}};
  vi_session *session = plain_session();
  origin *server = serve_all(answers, 3);
  vi_loop *loop = vi_loop_new(NULL), *next = new_loop();
  require(loop);
  vi_transfer *done = start(loop, session, server);
  finish_in_loop(loop, done);
  vi_transfer *hung = start(loop, session, server);
  step_until_sent(loop, server, 2);
  vi_loop_free(loop);
  check(succeeded(done));
  check(failed_with(hung, VI_ERROR_CLOSED));
  check(hung->error.maybe_sent);
  vi_transfer *later = start(next, session, server);
  finish_in_loop(next, later);
  check(succeeded(later));
  check(succeeded(get_from(session, server)));
}

IT("takes a kept connection over from a loop that is gone") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_session *session = plain_session();
  vi_loop *loop = vi_loop_new(NULL);
  require(loop);
  finish_in_loop(loop, start(loop, session, server));
  vi_loop_free(loop);
  check(succeeded(get_from(session, server)));
  vi_loop *next = new_loop();
  vi_transfer *transfer = start(next, session, server);
  finish_in_loop(next, transfer);
  check(succeeded(transfer) && transfer->response->reused);
  check_int(origin_connections(server), 1);
}

IT("makes ready what was in flight when its session is closed") {
  vi_loop *loop = new_loop();
  vi_session *session = plain_session();
  origin *server = serve("", ORIGIN_HANG);
  vi_transfer *one = start(loop, session, server), *two = start(loop, session, server);
  step_until_sent(loop, server, 2);
  vi_session_close(session);
  check(failed_with(one, VI_ERROR_CLOSED) && failed_with(two, VI_ERROR_CLOSED));
  check(vi_loop_take_ready(loop) && vi_loop_take_ready(loop) && !vi_loop_take_ready(loop));
  check(vi_loop_is_idle(loop));
}

IT("forgets a ready transfer that is released, its session closed or not") {
  vi_loop *loop = new_loop();
  origin *server = serve("", ORIGIN_HANG);
  for (int closed = 0; closed < 2; closed++) {
    vi_session *session = plain_session();
    vi_transfer *transfer = vi_transfer_new(session, request_for(server, "GET", "/", ""), NULL);
    require(transfer && vi_loop_start(loop, transfer));
    vi_loop_step(loop, 20);
    if (closed)
      vi_session_close(session);
    else
      vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "no longer wanted");
    vi_transfer_release(transfer);
    check(!vi_loop_take_ready(loop));
    check(vi_loop_is_idle(loop));
  }
}

IT("makes a transfer ready at once whose session is closed already") {
  vi_loop *loop = new_loop();
  vi_session_options options = plain_options();
  vi_session *session = vi_session_new(&options, NULL);
  require(session);
  vi_transfer *transfer = vi_transfer_new(session, request_with("GET", ""), NULL);
  require(transfer);
  vi_session_close(session);
  vi_session_release(session);
  check(vi_loop_start(loop, transfer));
  check(failed_with(transfer, VI_ERROR_CLOSED));
  check(vi_loop_take_ready(loop) == transfer);
  vi_transfer_release(transfer);
  vi_loop_step(loop, 0);
  check(vi_loop_is_idle(loop));
}

IT("goes on when a transfer is released in flight") {
  static const origin_answer slow = {.bytes = OK_HELLO, .delay = 50};
  vi_loop *loop = new_loop();
  vi_session *session = plain_session();
  origin *server = serve_all(&slow, 1);
  vi_transfer *kept = start(loop, session, server);
  vi_transfer *dropped = vi_transfer_new(session, request_for(server, "GET", "/", ""), NULL);
  require(dropped && vi_loop_start(loop, dropped));
  step_until_sent(loop, server, 2);
  vi_transfer_release(dropped);
  check_int(session->active_count, 1);
  finish_in_loop(loop, kept);
  check(succeeded(kept));
  check(vi_loop_take_ready(loop) == kept && !vi_loop_take_ready(loop));
}

/* Transfers that end well, in flight and unstarted, loop and sessions gone in any order. */
static void leave_in_every_way(bool loop_first) {
  static const origin_answer good = {.bytes = OK_HELLO}, hung = {.then = ORIGIN_HANG};
  origin *server = origin_start(&good, 1), *silent = origin_start(&hung, 1);
  vi_session_options options = plain_options();
  vi_session *session = vi_session_new(&options, NULL);
  vi_loop *loop = vi_loop_new(NULL);
  require(server && silent && session && loop);
  vi_transfer *transfers[6];
  for (int i = 0; i < 6; i++) {
    const origin *to = i % 2 ? silent : server;
    transfers[i] = vi_transfer_new(session, request_for(to, "GET", "/", ""), NULL);
    require(transfers[i]);
    check(i == 5 || vi_loop_start(loop, transfers[i]));
  }
  finish_in_loop(loop, transfers[0]);
  step_until_sent(loop, silent, 2);
  vi_transfer_release(transfers[1]);
  if (loop_first)
    vi_loop_free(loop);
  vi_session_close(session);
  for (int i = 0; i < 6; i++)
    if (i != 1)
      vi_transfer_release(transfers[i]);
  vi_session_release(session);
  if (!loop_first)
    vi_loop_free(loop);
  origin_stop(server);
  origin_stop(silent);
}

IT("leaves no descriptor behind, whichever goes first") {
  leave_in_every_way(true);
  size_t before = open_descriptors();
  leave_in_every_way(true);
  leave_in_every_way(false);
  check_int(open_descriptors(), before);
}

IT("ends all that is in flight or waits when sockets cannot be watched, and closes the session") {
  for (int blocking = 0; blocking < 2; blocking++) {
    vi_session_options options = plain_options();
    options.max_connections = 2;
    vi_loop *loop = blind_loop();
    vi_session *session = session_with(options);
    origin *server = serve(OK_HELLO, ORIGIN_KEEP);
    vi_transfer *transfers[3];
    for (int i = 0; i < 3; i++)
      transfers[i] = start(loop, session, server);
    check(transfers[2]->queued);
    if (blocking)
      check(failed_with(get_from(session, server), VI_ERROR_OUT_OF_MEMORY));
    for (int i = 0; i < 3; i++) {
      finish_in_loop(loop, transfers[i]);
      check(failed_with(transfers[i], VI_ERROR_OUT_OF_MEMORY));
      check(!transfers[i]->handle && vi_loop_take_ready(loop));
    }
    check(session->closed && vi_loop_is_idle(loop));
    check(!vi_transfer_new(session, request_with("GET", ""), NULL));
  }
}
