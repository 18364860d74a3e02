/* transport/transfer: a response's body piece by piece, with backpressure, blocking and looped. */
#include "coding.h"
#include "exchange.h"
#include "messages.h"
#include "tap.h"
#include "transport/streaming.h"

#include <string.h>

enum { HELD = 1024 * 1024 }; /* more than is ever held for a slow reader */

/* An answer of that head and body in one. */
static vi_text answer_of(const char *head, vi_text body) {
  return concatenated(vi_text_of(head), body);
}

static vi_text gzip_answer(vi_text plain) {
  return answer_of(OK_HEAD "Content-Encoding: gzip\r\n\r\n", coded(plain, CODING_GZIP));
}

/* A started stream of that answer, after which the server closes the connection: blocking, or in a
 * loop of its own. */
static vi_transfer *started(vi_session *session, vi_text answer, bool looped) {
  vi_transfer *transfer = stream_from(session, serve_bytes(answer, ORIGIN_CLOSE));
  if (looped)
    check(vi_loop_start(new_loop(), transfer));
  else
    vi_transfer_start(transfer);
  return transfer;
}

IT("has a head before its body, and then the body, to the end") {
  static const origin_answer answer = {
      .bytes = OK_HEAD "A: 1\r\nContent-Length: 10\r\n\r\nhelloworld", .piece = 50, .pause = 300};
  for (int looped = 0; looped < 2; looped++) {
    vi_transfer *transfer = stream_from(plain_session(), serve_all(&answer, 1));
    if (looped)
      check(vi_loop_start(new_loop(), transfer));
    else
      vi_transfer_start(transfer);
    wait_until_ready(transfer);
    require(transfer->head_complete && transfer->response);
    check(!transfer->done);
    check_text(field(&transfer->response->headers, "A"), "1");
    vi_response *response = vi_transfer_take_response(transfer);
    check_int(response->status, 200);
    vi_response_release(response);
    check_text(read_all(transfer, 4), "helloworld");
    check(succeeded(transfer));
    check(!transfer->response && !transfer->handle);
  }
}

IT("keeps what is not consumed, and gives it before anything else") {
  vi_transfer *transfer = started(plain_session(), vi_text_of(OK_HELLO), false);
  vi_transfer_await(transfer, VI_AWAIT_END);
  wait_until_ready(transfer);
  check(succeeded(transfer));
  check_text(vi_transfer_peek(transfer), "hello");
  vi_transfer_consume(transfer, 0);
  check_text(vi_transfer_peek(transfer), "hello");
  vi_transfer_consume(transfer, 2);
  check_text(vi_transfer_peek(transfer), "llo");
  vi_transfer_consume(transfer, 3);
  check_int(vi_transfer_peek(transfer).length, 0);
}

/* Lets the stream run without reading from it; true if it stopped at a bounded size. */
static bool is_held_back(vi_transfer *transfer) {
  vi_transfer_await(transfer, VI_AWAIT_END);
  for (int i = 0; i < 200 && !transfer->stream_paused; i++)
    vi_transfer_wait(transfer, 50);
  for (int i = 0; i < 5; i++)
    vi_transfer_wait(transfer, 1);
  return check(transfer->stream_paused) && check(!transfer->done) &&
         check(transfer->received.length < HELD) && check(transfer->received.capacity < HELD);
}

IT("holds back a server that is faster than its reader, and misses nothing of it") {
  vi_text plain = noise(8000000);
  const vi_text answers[] = {answer_of(OK_HEAD "\r\n", plain), gzip_answer(plain),
                             gzip_answer(concatenated(monotony(8000000), plain))};
  for (size_t i = 0; i < 6; i++) {
    vi_transfer *transfer = started(plain_session(), answers[i / 2], i % 2);
    tap_at("answer %zu, %s", i / 2, i % 2 ? "looped" : "blocking");
    check(is_held_back(transfer));
    vi_text body = read_all(transfer, 100000);
    check(succeeded(transfer));
    check_int(body.length, i / 2 == 2 ? 16000000 : 8000000);
    check(memcmp(body.data + body.length - plain.length, plain.data, plain.length) == 0);
  }
}

IT("decodes a small answer to something large without holding it all") {
  vi_text plain = monotony(20000000);
  for (int looped = 0; looped < 2; looped++) {
    vi_session *session = plain_session();
    vi_transfer *transfer = started(session, gzip_answer(plain), looped);
    vi_transfer_await(transfer, VI_AWAIT_END);
    for (int i = 0; i < 50 && !transfer->done; i++)
      vi_transfer_wait(transfer, 20);
    check(transfer->received.length < HELD && transfer->received.capacity < HELD);
    check(vi_text_equal(read_all(transfer, SIZE_MAX), plain));
    check(succeeded(transfer));
    check(!transfer->handle);
    check_int(session->idle_count, 1);
  }
}

IT("gives the rest of a coded body whose session was closed when it had all come") {
  vi_text plain = monotony(2000000);
  vi_session *session = plain_session();
  vi_transfer *transfer = started(session, gzip_answer(plain), false);
  vi_transfer_await(transfer, VI_AWAIT_END);
  finish(transfer);
  check(transfer->handle && session->active_count == 0);
  vi_session_close(session);
  check(vi_text_equal(read_all(transfer, 70000), plain));
  check(succeeded(transfer));
  check(!transfer->handle);
}

IT("leaves nothing behind when a coded body is given up with bytes still to decode") {
  vi_session *session = plain_session();
  vi_request *request =
      request_for(serve_bytes(gzip_answer(monotony(2000000)), ORIGIN_CLOSE), "GET", "/", "");
  request->streams_response = true;
  vi_transfer *transfer = vi_transfer_new(session, request, NULL);
  require(transfer);
  vi_transfer_start(transfer);
  vi_transfer_await(transfer, VI_AWAIT_END);
  finish(transfer);
  vi_transfer_release(transfer);
  check_int(session->idle_count, 1);
  check(!session->idle->transfer && session->idle->coded.length == 0);
  check_text(read_all(started(session, VI_TEXT(OK_HELLO), false), 100), "hello");
  check_int(session->idle_count, 1);
}

IT("gives all that came before a body breaks off, and then says so") {
  vi_text plain = monotony(3000000), whole = coded(plain, CODING_GZIP);
  const vi_text answers[] = {
      VI_TEXT(OK_HEAD "Content-Length: 10\r\n\r\nhello"),
      VI_TEXT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
      answer_of(OK_HEAD "Content-Encoding: gzip\r\n\r\n", (vi_text){whole.data, whole.length - 1}),
      answer_of(OK_HEAD "Content-Encoding: gzip\r\n\r\n", (vi_text){whole.data, whole.length / 2})};
  for (size_t i = 0; i < 8; i++) {
    vi_transfer *transfer = started(plain_session(), answers[i / 2], i % 2);
    tap_at("answer %zu, %s", i / 2, i % 2 ? "looped" : "blocking");
    vi_text body = read_all(transfer, SIZE_MAX);
    check(i / 2 < 2 ? body.length == 5 : body.length > plain.length / 3);
    check(failed_with(transfer, VI_ERROR_TRUNCATED));
    check(transfer->error.maybe_sent && transfer->error.retryable);
    check(!transfer->handle);
  }
}

IT("says that a body is not what its coding says, in its beginning or at its end") {
  vi_text whole = coded(monotony(3000000), CODING_GZIP);
  ((char *)whole.data)[whole.length - 1] ^= 1;
  const vi_text bodies[] = {VI_TEXT("not gzip at all"), whole, concatenated(whole, VI_TEXT("x"))};
  for (size_t i = 0; i < 6; i++) {
    vi_text answer = answer_of(OK_HEAD "Content-Encoding: gzip\r\n\r\n", bodies[i / 2]);
    vi_session *session = plain_session();
    vi_transfer *transfer = started(session, answer, i % 2);
    tap_at("body %zu, %s", i / 2, i % 2 ? "looped" : "blocking");
    vi_text body = read_all(transfer, SIZE_MAX);
    check(i / 2 == 0 ? body.length == 0 : body.length > 2000000);
    check(failed_with(transfer, VI_ERROR_PROTOCOL));
    check(transfer->error.maybe_sent && !transfer->error.retryable);
    check(strstr(transfer->error.message, "gzip"));
    check(!transfer->handle);
    check_int(session->active_count, 0);
  }
}

IT("stops at once when what was held back turns out to be bad") {
  enum { GOOD = 256 * 1024 + 18000 }; /* what follows is among the first bytes held back */
  vi_text good = coded(noise(GOOD), CODING_GZIP);
  vi_text body = concatenated(good, concatenated(VI_TEXT("bad"), noise(8000000)));
  for (int looped = 0; looped < 2; looped++) {
    vi_text answer = answer_of(OK_HEAD "Content-Encoding: gzip\r\n\r\n", body);
    vi_transfer *transfer = started(plain_session(), answer, looped);
    size_t length = 0;
    check(is_held_back(transfer));
    while (transfer->error.kind == VI_ERROR_NONE && !transfer->done) {
      size_t came = vi_transfer_peek(transfer).length;
      length += came;
      if (came > 0)
        vi_transfer_consume(transfer, came);
      else
        vi_transfer_wait(transfer, 100);
    }
    check(failed_with(transfer, VI_ERROR_PROTOCOL));
    check_int(length + vi_transfer_peek(transfer).length, GOOD);
  }
}

IT("knows the end of a body that the connection's end alone marks, if its coding has one") {
  const struct {
    vi_text answer;
    bool unbounded;
  } cases[] = {
      {VI_TEXT(OK_HEAD "\r\nhello"), true},
      {VI_TEXT(OK_HELLO), false},
      {gzip_answer(VI_TEXT("hello")), false},
      {gzip_answer(monotony(3000000)), false},
      {VI_TEXT(OK_HEAD "Content-Encoding: gzip\r\n\r\n"), true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    vi_transfer *transfer = started(plain_session(), cases[i].answer, false);
    tap_at("answer %zu", i);
    read_all(transfer, SIZE_MAX);
    check(succeeded(transfer));
    check_int(transfer->unbounded, cases[i].unbounded);
  }
}

IT("can be aborted while it is held back, and its session goes on") {
  static origin_answer answers[] = {{.bytes = NULL}, {.bytes = OK_HELLO}};
  vi_text large = answer_of(OK_HEAD "Content-Length: 8000000\r\n\r\n", noise(8000000));
  answers[0].bytes = large.data;
  answers[0].length = large.length;
  vi_session *session = plain_session();
  origin *server = serve_all(answers, 2);
  vi_transfer *transfer = stream_from(session, server);
  vi_transfer_start(transfer);
  check(is_held_back(transfer));
  vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "no longer wanted");
  check(failed_with(transfer, VI_ERROR_CANCELLED));
  check(!transfer->handle && session->idle_count == 1);
  vi_transfer_consume(transfer, vi_transfer_peek(transfer).length);
  check(failed_with(transfer, VI_ERROR_CANCELLED));
  check(succeeded(get_from(session, server)));
}

IT("is ready for its reader again after each piece, in the loop's list once") {
  static const char head[] = OK_HEAD "Content-Length: 5\r\n\r\n";
  vi_text bytes = answer_of(head, VI_TEXT("hello"));
  static origin_answer answer = {.piece = sizeof head - 1, .pause = 100};
  answer.bytes = bytes.data;
  answer.length = bytes.length;
  vi_loop *loop = new_loop();
  vi_transfer *transfer = stream_from(plain_session(), serve_all(&answer, 1));
  check(vi_loop_start(loop, transfer));
  wait_until_ready(transfer);
  check(vi_loop_take_ready(loop) == transfer && !vi_loop_take_ready(loop));
  vi_transfer_await(transfer, VI_AWAIT_BODY);
  check(!transfer->ready);
  wait_until_ready(transfer);
  check(vi_loop_take_ready(loop) == transfer && !vi_loop_take_ready(loop));
  check_text(vi_transfer_peek(transfer), "hello");
  vi_transfer_consume(transfer, 5);
  finish_in_loop(loop, transfer);
  vi_loop_take_ready(loop);
  check(vi_loop_is_idle(loop));
}
