/* transport: what ends an exchange early, what is known then of the request, and what is left. */
#include "coding.h"
#include "exchange.h"
#include "messages.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static vi_session *session_of_max_body(size_t max_body) {
  vi_session_options options = plain_options();
  options.max_body = max_body;
  return session_with(options);
}

/* A request to a port where nobody listens. */
static vi_request *refused_request(const char *method) {
  char url[100];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", refused_port());
  return request_to(method, url, "");
}

IT("takes a body of exactly max_body and none that is larger, announced or not") {
  origin *announced = serve(OK_HELLO, ORIGIN_CLOSE);
  origin *silent = serve(OK_HEAD "\r\nhello", ORIGIN_CLOSE);
  check(succeeded(get_from(session_of_max_body(5), announced)));
  check(succeeded(get_from(session_of_max_body(5), silent)));
  vi_transfer *transfer = get_from(session_of_max_body(4), announced);
  check(failed_with(transfer, VI_ERROR_TOO_LARGE));
  check(transfer->error.maybe_sent && !transfer->error.retryable);
  check(strstr(transfer->error.message, "4"));
  check(failed_with(get_from(session_of_max_body(4), silent), VI_ERROR_TOO_LARGE));
}

IT("counts a coded body by its decoded length, and its announced length by nothing") {
  vi_text body = coded(VI_TEXT("ab"), CODING_ZLIB);
  vi_text head = VI_TEXT(OK_HEAD "Content-Encoding: deflate\r\nContent-Length: 10\r\n\r\n");
  require(check_int(body.length, 10));
  origin *server = serve_bytes(concatenated(head, body), ORIGIN_KEEP);
  vi_transfer *transfer = get_from(session_of_max_body(2), server);
  require(succeeded(transfer));
  check_text(vi_response_body(transfer->response), "ab");
  check(failed_with(get_from(session_of_max_body(1), server), VI_ERROR_TOO_LARGE));
}

IT("expands no bomb beyond max_body") {
  vi_text bomb = coded(monotony(50000000), CODING_GZIP);
  vi_text answer = concatenated(VI_TEXT(OK_HEAD "Content-Encoding: gzip\r\n\r\n"), bomb);
  vi_transfer *transfer = get_from(session_of_max_body(1000000), serve_bytes(answer, ORIGIN_CLOSE));
  check(failed_with(transfer, VI_ERROR_TOO_LARGE));
  check(transfer->received.capacity < 4000000);
}

IT("does not believe an announced length that it has not seen") {
  origin *server = serve(OK_HEAD "Content-Length: 9000000000000000000\r\n\r\nhello", ORIGIN_CLOSE);
  check(failed_with(get_from(session_of_max_body(1000), server), VI_ERROR_TRUNCATED));
  check(failed_with(get_from(session_of_max_body(SIZE_MAX), server), VI_ERROR_TRUNCATED));
}

IT("takes a thousand header fields and not one more") {
  for (int extra = 0; extra < 2; extra++) {
    vi_buffer *bytes = scratch();
    check(vi_buffer_append_text(bytes, VI_TEXT(OK_HEAD "Content-Length: 0\r\n")));
    for (int i = 1; i < VI_HEADERS_MAX_FIELDS + extra; i++)
      check(vi_buffer_append_text(bytes, VI_TEXT("A: b\r\n")));
    check(vi_buffer_append_text(bytes, VI_TEXT("\r\n")) && vi_buffer_terminate(bytes));
    vi_transfer *transfer = get_from(plain_session(), serve(bytes->data, ORIGIN_CLOSE));
    check(failed_with(transfer, extra ? VI_ERROR_TOO_LARGE : VI_ERROR_NONE));
  }
}

/* A head with `count` fields whose values have `length` bytes each. */
static const char *head_of(size_t count, size_t length) {
  vi_buffer *bytes = scratch();
  check(vi_buffer_append_text(bytes, VI_TEXT(OK_HEAD "Content-Length: 0\r\n")));
  for (size_t i = 0; i < count; i++) {
    check(vi_buffer_append_text(bytes, VI_TEXT("A: ")));
    for (size_t j = 0; j < length; j++)
      check(vi_buffer_append_char(bytes, 'x'));
    check(vi_buffer_append_text(bytes, VI_TEXT("\r\n")));
  }
  check(vi_buffer_append_text(bytes, VI_TEXT("\r\n")) && vi_buffer_terminate(bytes));
  return bytes->data;
}

IT("takes long header fields, but not more bytes of them than it has to") {
  check(succeeded(get_from(plain_session(), serve(head_of(3, 60000), ORIGIN_CLOSE))));
  check(failed_with(get_from(plain_session(), serve(head_of(6, 60000), ORIGIN_CLOSE)),
                    VI_ERROR_TOO_LARGE));
}

IT("takes a head that has too much of what is no field for too large, where libcurl has a limit") {
  vi_buffer *bytes = scratch();
  check(vi_buffer_append_text(bytes, VI_TEXT(OK_HEAD "Content-Length: 0\r\n")));
  while (bytes->length < 1000000)
    check(vi_buffer_append_text(bytes, VI_TEXT(": no name\r\n")));
  check(vi_buffer_append_text(bytes, VI_TEXT("\r\n")) && vi_buffer_terminate(bytes));
  vi_transfer *transfer = get_from(plain_session(), serve(bytes->data, ORIGIN_CLOSE));
  check(transfer->error.kind == VI_ERROR_TOO_LARGE || transfer->error.kind == VI_ERROR_NONE);
  check(!transfer->error.retryable);
}

IT("takes one header line without an end for too large, or for more than libcurl has room for") {
  vi_transfer *transfer = get_from(plain_session(), serve(head_of(1, 300000), ORIGIN_CLOSE));
  check(transfer->error.kind == VI_ERROR_TOO_LARGE ||
        transfer->error.kind == VI_ERROR_OUT_OF_MEMORY);
}

IT("is certain that nothing was sent when the connection is refused") {
  vi_transfer *transfer = exchange(plain_session(), refused_request("POST"));
  check(failed_with(transfer, VI_ERROR_CONNECT));
  check(!transfer->error.maybe_sent && transfer->error.retryable);
  check(transfer->error.code != 0 && transfer->error.message[0]);
}

IT("is as certain of it on a handle that has sent something before") {
  vi_session *session = plain_session();
  vi_transfer *before =
      vi_transfer_new(session, request_for(serve(OK_HELLO, ORIGIN_KEEP), "GET", "/", ""), NULL);
  require(before);
  vi_transfer_start(before);
  finish(before);
  vi_transfer_release(before);
  vi_transfer *aborted = transfer_of(session, refused_request("POST"));
  vi_transfer_start(aborted);
  vi_transfer_abort(aborted, VI_ERROR_RESET, "before libcurl has looked at it");
  check(!aborted->error.maybe_sent && aborted->error.retryable);
  vi_transfer *transfer = exchange(session, refused_request("POST"));
  check(failed_with(transfer, VI_ERROR_CONNECT));
  check(!transfer->error.maybe_sent && transfer->error.retryable);
  check_int(session->idle_count, 1);
}

IT("says that a host's name has no address") {
  const char *url =
      "http://a-label-of-more-than-sixty-three-characters-is-in-no-name-server-at-all/";
  vi_transfer *transfer = exchange(plain_session(), request_to("GET", url, ""));
  check(failed_with(transfer, VI_ERROR_RESOLVE));
  check(!transfer->error.maybe_sent);
}

IT("says that a server does not speak TLS") {
  origin *server = serve("HTTP/1.1 400 Bad Request\r\n\r\n", ORIGIN_CLOSE);
  char url[100];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/", origin_port(server));
  vi_transfer *transfer = exchange(plain_session(), request_to("GET", url, ""));
  check(failed_with(transfer, VI_ERROR_TLS));
  check(!transfer->error.maybe_sent && !transfer->error.retryable);
}

IT("says that the connection broke, before the answer or in it") {
  check(failed_with(get_from(plain_session(), serve("", ORIGIN_RESET)), VI_ERROR_RESET));
  origin *server = serve(OK_HEAD "Content-Length: 10\r\n\r\nhello", ORIGIN_RESET);
  vi_transfer *transfer = get_from(plain_session(), server);
  check(transfer->error.kind == VI_ERROR_RESET || transfer->error.kind == VI_ERROR_TRUNCATED);
  check(transfer->error.maybe_sent && transfer->error.retryable);
}

IT("stops waiting for an answer when the whole exchange takes too long") {
  vi_session_options options = plain_options();
  options.timeout = 0.1;
  origin *server = serve(OK_HEAD "Content-Length: 10\r\n\r\nhello", ORIGIN_HANG);
  vi_transfer *transfer = get_from(session_with(options), server);
  check(failed_with(transfer, VI_ERROR_TIMEOUT));
  check(transfer->error.maybe_sent && transfer->error.retryable);
}

IT("stops waiting when no byte comes for longer than idle_timeout") {
  vi_session_options options = plain_options();
  options.timeout = 0;
  options.idle_timeout = 1; /* libcurl looks back over five seconds to see it */
  origin *server = serve(OK_HEAD "Content-Length: 10\r\n\r\nhello", ORIGIN_HANG);
  check(failed_with(get_from(session_with(options), server), VI_ERROR_TIMEOUT));
}

IT("does not offer what is not idempotent to be sent again once it may have been sent") {
  origin *server = serve("", ORIGIN_CLOSE);
  const char *methods[] = {"POST", "PATCH", "PUT", "DELETE"};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    vi_transfer *transfer =
        exchange(plain_session(), request_with_body(server, methods[i], "data"));
    tap_at("%s", methods[i]);
    check(failed_with(transfer, VI_ERROR_EMPTY_REPLY));
    check(transfer->error.maybe_sent);
    check_int(transfer->error.retryable, i >= 2);
  }
}

/* What becomes of a request whose kept connection is closed when it has been sent. */
static vi_transfer *sent_on_dying_connection(vi_request *(*make)(const origin *), origin **server) {
  static const origin_answer answers[] = {
      {.bytes = OK_HELLO, .then = ORIGIN_KEEP},
      {.bytes = NULL, .then = ORIGIN_CLOSE},
      {.bytes = OK_HELLO, .then = ORIGIN_KEEP},
  };
  vi_session *session = plain_session();
  *server = serve_all(answers, 3);
  check(succeeded(get_from(session, *server)));
  return exchange(session, make(*server));
}

static vi_request *make_get(const origin *server) {
  return request_for(server, "GET", "/", "");
}

static vi_request *make_post(const origin *server) {
  return request_with_body(server, "POST", "data");
}

static vi_request *make_streamed_nothing(const origin *server) {
  vi_request *request = request_for(server, "POST", "/", "");
  request->streams_body = true;
  request->body_length = 0;
  return request;
}

/* A part or none, without content. */
static vi_request *make_parts(const origin *server, size_t count) {
  vi_request *request = request_for(server, "POST", "/", "");
  request->multipart = vi_multipart_new();
  vi_part *part = request->multipart && count ? vi_multipart_add(request->multipart) : NULL;
  check(request->multipart && (!count || (part && vi_buffer_terminate(&part->name))));
  return request;
}

static vi_request *make_no_parts(const origin *server) {
  return make_parts(server, 0);
}

static vi_request *make_empty_part(const origin *server) {
  return make_parts(server, 1);
}

static vi_request *make_empty_patch(const origin *server) {
  return request_for(server, "PATCH", "/", "");
}

IT("never sends a request twice that is not idempotent, though a kept connection dies") {
  vi_request *(*const makers[])(const origin *) = {
      make_post, make_empty_patch, make_streamed_nothing, make_no_parts, make_empty_part};
  for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
    origin *server;
    vi_transfer *transfer = sent_on_dying_connection(makers[i], &server);
    tap_at("request %zu", i);
    check(transfer->error.kind != VI_ERROR_NONE && !transfer->error.retryable);
    check(transfer->error.maybe_sent);
    check_int(origin_requests(server), 2);
  }
}

IT("may send one twice that is, and succeed") {
  origin *server;
  check(succeeded(sent_on_dying_connection(make_get, &server)));
  check_int(origin_requests(server), 3);
}

IT("gives its handle back in each of its ends") {
  static const origin_answer hung = {.then = ORIGIN_HANG};
  const char *const answers[] = {OK_HELLO,
                                 "",
                                 "not HTTP",
                                 OK_HEAD "Content-Length: 9\r\n\r\nhello",
                                 OK_HEAD "Content-Encoding: gzip\r\n\r\nnot gzip",
                                 OK_HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi"};
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    vi_session *session = plain_session();
    vi_transfer *transfer = get_from(session, serve(answers[i], ORIGIN_CLOSE));
    tap_at("answer %zu", i);
    check_int(transfer->error.kind == VI_ERROR_NONE, i == 0);
    check(!transfer->handle && !transfer->received.within);
    check_int(session->idle_count, 1);
    check_int(session->active_count, 0);
    check(!session->idle->transfer);
  }
  vi_session *session = plain_session();
  for (int steps = 0; steps < 3; steps++) { /* not looked at yet, connecting, sent */
    origin *server = serve_all(&hung, 1);
    vi_transfer *transfer = transfer_of(session, request_for(server, "GET", "/", ""));
    vi_transfer_start(transfer);
    for (int i = 0; i < steps * 10; i++)
      vi_transfer_wait(transfer, 5);
    check(transfer->handle && transfer->handle->transfer == transfer);
    vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "no longer wanted");
    check(!transfer->handle);
    check_int(session->idle_count, 1);
  }
}

IT("refuses new transfers once the session is closed, which can be done twice") {
  vi_error error = {0};
  vi_session *session = plain_session();
  vi_session_close(session);
  vi_session_close(session);
  check(!vi_transfer_new(session, request_with("GET", ""), &error));
  check_int(error.kind, VI_ERROR_CLOSED);
  check(!error.maybe_sent && !error.retryable);
}

IT("ends a transfer in flight when its session is closed") {
  origin *server = serve("", ORIGIN_HANG);
  vi_session *session = plain_session();
  vi_transfer *transfer = transfer_of(session, request_for(server, "GET", "/", ""));
  vi_transfer_start(transfer);
  for (int i = 0; i < 1000 && origin_requests(server) == 0; i++)
    vi_transfer_wait(transfer, 10);
  check(!transfer->done);
  vi_session_close(session);
  check(failed_with(transfer, VI_ERROR_CLOSED));
  check(transfer->error.maybe_sent);
}

IT("does not send a transfer whose session was closed before it was started") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_session *session = plain_session();
  vi_transfer *transfer = transfer_of(session, request_for(server, "GET", "/", ""));
  vi_session_close(session);
  vi_transfer_start(transfer);
  check(failed_with(transfer, VI_ERROR_CLOSED));
  check(!transfer->error.maybe_sent);
  check_int(origin_connections(server), 0);
}

IT("keeps its outcome when it is aborted late") {
  vi_session *session = plain_session();
  vi_transfer *transfer = get_from(session, serve(OK_HELLO, ORIGIN_KEEP));
  vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "too late");
  vi_session_close(session);
  check(succeeded(transfer));
  check_text(vi_response_body(transfer->response), "hello");
}

IT("keeps the session alive that its caller has let go of") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_session_options options = plain_options();
  vi_session *session = vi_session_new(&options, NULL);
  require(session);
  vi_transfer *transfer = vi_transfer_new(session, request_for(server, "GET", "/", ""), NULL);
  require(transfer);
  vi_session_release(session);
  vi_transfer_start(transfer);
  finish(transfer);
  check(succeeded(transfer));
  vi_transfer_release(transfer);
}

/* One exchange that ends well, one that fails, one that is released in flight, and one that is
 * never started. */
static void leave_in_every_way(void) {
  static const origin_answer good = {.bytes = OK_HELLO}, hung = {.then = ORIGIN_HANG};
  origin *server = origin_start(&good, 1), *silent = origin_start(&hung, 1);
  vi_session_options options = plain_options();
  vi_session *session = vi_session_new(&options, NULL);
  require(server && silent && session);
  vi_request *requests[] = {request_for(server, "GET", "/", ""), refused_request("GET"),
                            request_for(silent, "GET", "/", ""), request_with("GET", "")};
  for (size_t i = 0; i < 4; i++) {
    vi_transfer *transfer = vi_transfer_new(session, requests[i], NULL);
    require(transfer);
    if (i < 3)
      vi_transfer_start(transfer);
    if (i < 2)
      finish(transfer);
    for (int j = 0; i == 2 && j < 1000 && origin_requests(silent) == 0; j++)
      vi_transfer_wait(transfer, 10);
    vi_transfer_release(transfer);
    check_int(session->active_count, 0);
  }
  vi_session_release(session);
  origin_stop(server);
  origin_stop(silent);
}

IT("leaves no descriptor behind, however a transfer ends") {
  leave_in_every_way();
  size_t before = open_descriptors();
  leave_in_every_way();
  /* Each pass holds a port of its own until this test ends. */
  check_int(open_descriptors(), before + 1);
}
