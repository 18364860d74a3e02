/* transport/timeouts: of an exchange gone quiet and of a request that waits; and each timeout by
 * its name. */
#include "transport/timeouts.h"

#include "coding.h"
#include "exchange.h"
#include "message/clock.h"
#include "message/descriptor.h"
#include "messages.h"
#include "tap.h"
#include "transport/streaming.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char BEGUN[] = OK_HEAD "Content-Length: 10\r\n\r\nhello";

static vi_session *session_of_idle_timeout(double seconds) {
  vi_session_options options = plain_options();
  options.timeout = 0;
  options.idle_timeout = seconds;
  return session_with(options);
}

/* Seconds it takes until the transfer is done. */
static double time_to_finish(vi_transfer *transfer) {
  int64_t begin = vi_clock_monotonic();
  finish(transfer);
  return (double)(vi_clock_monotonic() - begin) * 1e-9;
}

/* Starts a transfer for a caller who blocks, or in a loop of its own. */
static vi_transfer *begin(vi_transfer *transfer, bool looped) {
  if (looped)
    check(vi_loop_start(new_loop(), transfer));
  else
    vi_transfer_start(transfer);
  return transfer;
}

static bool is_idle_timeout(const vi_transfer *transfer) {
  return check(failed_with(transfer, VI_ERROR_TIMEOUT)) &&
         check_int(transfer->error.timeout, VI_TIMEOUT_IDLE) &&
         check(strstr(transfer->error.message, "idle_timeout"));
}

IT("ends an exchange in which no byte comes for idle_timeout, and no sooner") {
  const char *const answers[] = {"", "HTTP/1.1 2", BEGUN};
  for (size_t i = 0; i < 6; i++) {
    vi_session *session = session_of_idle_timeout(0.1);
    vi_request *request = request_for(serve(answers[i / 2], ORIGIN_HANG), "GET", "/", "");
    vi_transfer *transfer = begin(transfer_of(session, request), i % 2);
    tap_at("answer %zu, %s", i / 2, i % 2 ? "looped" : "blocking");
    double seconds = time_to_finish(transfer);
    check(seconds >= 0.1 && seconds < 5);
    check(is_idle_timeout(transfer));
    check(transfer->error.maybe_sent && transfer->error.retryable);
    check(!transfer->handle && session->idle_count == 1);
  }
}

IT("lets an exchange take long that is never quiet for so long") {
  static const origin_answer slow = {.bytes = OK_HELLO, .piece = 2, .pause = 30};
  for (int looped = 0; looped < 2; looped++) {
    vi_request *request = request_for(serve_all(&slow, 1), "GET", "/", "");
    vi_transfer *transfer = transfer_of(session_of_idle_timeout(0.4), request);
    check(time_to_finish(begin(transfer, looped)) > 0.4);
    check(succeeded(transfer));
  }
}

/* Looks at the session for longer than its idle timeout. */
static void look_for_long(vi_transfer *transfer) {
  for (int i = 0; i < 30; i++) {
    vi_transfer_wait(transfer, 10);
    usleep(10000);
  }
}

IT("does not strike while a slow reader holds the server back") {
  vi_text body = noise(3000000);
  vi_text answer = concatenated(VI_TEXT(OK_HEAD "Content-Length: 3000000\r\n\r\n"), body);
  for (int looped = 0; looped < 2; looped++) {
    vi_session *session = session_of_idle_timeout(0.1);
    vi_transfer *transfer = begin(stream_from(session, serve_bytes(answer, ORIGIN_KEEP)), looped);
    vi_transfer_await(transfer, VI_AWAIT_END);
    while (!transfer->stream_paused && !transfer->done)
      vi_transfer_wait(transfer, 10);
    look_for_long(transfer);
    check(!transfer->done);
    check(vi_text_equal(read_all(transfer, SIZE_MAX), body));
    check(succeeded(transfer));
  }
}

IT("does not strike while the request's own body is waited for, but does after it") {
  vi_session *session = session_of_idle_timeout(0.1);
  vi_request *request = request_for(serve("", ORIGIN_HANG), "PUT", "/", "");
  request->streams_body = true;
  request->body_length = 5;
  vi_transfer *transfer = begin(transfer_of(session, request), false);
  look_for_long(transfer);
  require(!transfer->done && transfer->upload_starved);
  vi_transfer_supply(transfer, VI_TEXT("hello"));
  vi_transfer_supply(transfer, VI_TEXT(""));
  finish(transfer);
  check(is_idle_timeout(transfer));
}

IT("strikes each request for itself, also one that had to wait for another's end") {
  vi_session_options options = plain_options();
  options.timeout = 0;
  options.idle_timeout = 0.1;
  options.max_connections = 1;
  for (int looped = 0; looped < 2; looped++) {
    vi_session *session = session_with(options);
    vi_loop *loop = looped ? new_loop() : NULL;
    origin *server = serve("", ORIGIN_HANG);
    vi_transfer *transfers[3];
    for (size_t i = 0; i < 3; i++) {
      transfers[i] = transfer_of(session, request_for(server, "GET", "/", ""));
      if (looped)
        check(vi_loop_start(loop, transfers[i]));
      else
        vi_transfer_start(transfers[i]);
    }
    for (size_t i = 0; i < 3; i++) {
      tap_at("request %zu, %s", i, looped ? "looped" : "blocking");
      check(time_to_finish(transfers[i]) < 5);
      check(is_idle_timeout(transfers[i]));
    }
  }
}

IT("lets a caller block who waits for the end of another's silence") {
  vi_session_options options = plain_options();
  options.timeout = 0;
  options.idle_timeout = 0.1;
  options.max_connections = 1;
  static const origin_answer answers[] = {{.then = ORIGIN_HANG}, {.bytes = OK_HELLO}};
  vi_session *session = session_with(options);
  origin *server = serve_all(answers, 2);
  vi_transfer *hung = begin(transfer_of(session, request_for(server, "GET", "/", "")), false);
  vi_transfer *waiting = begin(transfer_of(session, request_for(server, "GET", "/", "")), false);
  int64_t start_time = vi_clock_monotonic();
  while (!waiting->done)
    vi_transfer_wait(waiting, 60000);
  check(is_idle_timeout(hung) && succeeded(waiting));
  check(vi_clock_monotonic() - start_time < INT64_C(30000000000));
}

IT("strikes a request on a handle that served another one before") {
  static const origin_answer answers[] = {{.bytes = OK_HELLO}, {.then = ORIGIN_HANG}};
  vi_session *session = session_of_idle_timeout(0.1);
  origin *server = serve_all(answers, 2);
  vi_transfer *first = vi_transfer_new(session, request_for(server, "GET", "/", ""), NULL);
  require(first);
  finish(begin(first, false));
  check(succeeded(first));
  vi_transfer_release(first);
  vi_transfer *second = begin(transfer_of(session, request_for(server, "GET", "/", "")), false);
  check(time_to_finish(second) >= 0.1);
  check(is_idle_timeout(second));
}

IT("lets a loop be asked for its timeouts, and wakes it for nothing when none is left") {
  vi_session *session = session_of_idle_timeout(0.4);
  vi_loop *loop = new_loop();
  origin *server = serve("", ORIGIN_HANG);
  vi_transfer *transfer = start(loop, session, server);
  step_until_sent(loop, server, 1);
  int timeout = vi_loop_timeout(loop);
  check(timeout >= 0 && timeout <= 100);
  vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "no longer wanted");
  check(vi_loop_take_ready(loop) == transfer);
  for (int i = 0; i < 100 && session->check_at; i++)
    vi_loop_step(loop, 10);
  check_int(session->check_at, 0);
  check_int(vi_loop_timeout(loop), -1);
}

IT("looks for nothing where there is no such timeout") {
  vi_session *session = session_of_idle_timeout(0);
  vi_transfer *transfer =
      begin(transfer_of(session, request_for(serve(OK_HELLO, ORIGIN_KEEP), "GET", "/", "")), false);
  check_int(session->check_at, 0);
  finish(transfer);
}

static vi_session *session_of_one_connection(double timeout) {
  vi_session_options options = plain_options();
  options.timeout = timeout;
  options.max_connections = 1;
  return session_with(options);
}

IT("ends a request that has waited for a connection for the whole of its timeout, unsent") {
  for (int looped = 0; looped < 2; looped++) {
    vi_session *session = session_of_one_connection(0.2);
    origin *server = serve(OK_HEAD "\r\nforever", ORIGIN_HANG);
    vi_loop *loop = new_loop();
    vi_transfer *hung = stream_from(session, server);
    vi_transfer *waiting = transfer_of(session, request_with_body(server, "POST", "data"));
    session->options.timeout = 0; /* for the one that is to outlast the others */
    check(vi_loop_start(loop, hung));
    session->options.timeout = 0.2;
    if (looped)
      check(vi_loop_start(loop, waiting));
    else
      vi_transfer_start(waiting);
    check(time_to_finish(waiting) < 5);
    check(failed_with(waiting, VI_ERROR_TIMEOUT));
    check_int(waiting->error.timeout, VI_TIMEOUT_TOTAL);
    check(strstr(waiting->error.message, "connections"));
    check(!waiting->error.maybe_sent && waiting->error.retryable);
    check(!hung->done);
  }
}

IT("counts the time a request has waited as part of its timeout, and of no other's") {
  static const origin_answer answers[] = {{.bytes = OK_HELLO, .delay = 50},
                                          {.bytes = BEGUN, .then = ORIGIN_HANG},
                                          {.bytes = OK_HELLO, .delay = 500}};
  vi_session *session = session_of_one_connection(10);
  origin *server = serve_all(answers, 3);
  vi_transfer *first = begin(transfer_of(session, request_for(server, "GET", "/", "")), false);
  vi_transfer *second = begin(transfer_of(session, request_for(server, "GET", "/", "")), false);
  check(second->queued && second->queued_at > 0);
  second->queued_at -= INT64_C(9800000000); /* as if it had waited for 9.8 s already */
  finish(second);
  check(succeeded(first) && failed_with(second, VI_ERROR_TIMEOUT));
  check_int(second->error.timeout, VI_TIMEOUT_TOTAL);
  check(second->error.maybe_sent);
  check(succeeded(get_from(session, server)));
  check_int(session->idle_count, 1);
}

IT("names the timeout of the whole exchange") {
  vi_session_options options = plain_options();
  options.timeout = 0.1;
  vi_transfer *transfer = get_from(session_with(options), serve(BEGUN, ORIGIN_HANG));
  check(failed_with(transfer, VI_ERROR_TIMEOUT));
  check_int(transfer->error.timeout, VI_TIMEOUT_TOTAL);
  check(strstr(transfer->error.message, "0.1 s (timeout)"));
}

static void close_descriptor(void *object) {
  close(*(int *)object);
  free(object);
}

static int connect_or_listen(struct sockaddr_in *address, bool listens) {
  int *fd = malloc(sizeof *fd);
  socklen_t size = sizeof *address;
  if (!fd)
    abort();
  *fd = vi_open_socket(AF_INET, SOCK_STREAM, 0);
  tap_defer(close_descriptor, fd);
  check(vi_never_block(*fd));
  if (!listens)
    return connect(*fd, (struct sockaddr *)address, size);
  check(bind(*fd, (struct sockaddr *)address, size) == 0);
  check(listen(*fd, 0) == 0);
  return getsockname(*fd, (struct sockaddr *)address, &size);
}

/* A port where connecting takes for ever: its backlog is full. */
static int silent_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(connect_or_listen(&address, true) == 0);
  for (int i = 0; i < 4; i++)
    connect_or_listen(&address, false);
  return ntohs(address.sin_port);
}

IT("names the timeout of connecting, after which nothing was sent") {
  vi_session_options options = plain_options();
  char url[100];
  options.connect_timeout = 0.2;
  options.idle_timeout = 0.1; /* which is of no concern yet */
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", silent_port());
  vi_transfer *transfer = exchange(session_with(options), request_to("POST", url, ""));
  check(failed_with(transfer, VI_ERROR_TIMEOUT));
  check_int(transfer->error.timeout, VI_TIMEOUT_CONNECT);
  check(strstr(transfer->error.message, "connect_timeout"));
  check(!transfer->error.maybe_sent && transfer->error.retryable);
  options.timeout = 0.1; /* comes before the other */
  transfer = exchange(session_with(options), request_to("GET", url, ""));
  check_int(transfer->error.timeout, VI_TIMEOUT_TOTAL);
}

IT("names the limit of a connection that is too slow") {
  static const origin_answer slow = {.bytes = BEGUN, .piece = 1, .pause = 100};
  vi_session_options options = plain_options();
  options.low_speed_limit = 1000;
  options.low_speed_time = 1;
  vi_transfer *transfer = get_from(session_with(options), serve_all(&slow, 1));
  check(failed_with(transfer, VI_ERROR_TIMEOUT));
  check_int(transfer->error.timeout, VI_TIMEOUT_LOW_SPEED);
  check(strstr(transfer->error.message, "1000 bytes/s for 1 s"));
}

IT("has a name for each timeout, and none for none") {
  check(!vi_timeout_name(VI_TIMEOUT_NONE));
  for (int timeout = VI_TIMEOUT_CONNECT; timeout <= VI_TIMEOUT_LOW_SPEED; timeout++)
    check(vi_timeout_name((vi_timeout)timeout)[0] != '\0');
}
