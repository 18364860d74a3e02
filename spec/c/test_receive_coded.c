/* transport/receive: bodies in content codings, whole; streamed ones are in test_stream.c. */
#include "coding.h"
#include "exchange.h"
#include "messages.h"
#include "tap.h"

#include <string.h>

/* What comes of `bytes`, after which the server closes the connection. */
static vi_transfer *answered_bytes(vi_text bytes) {
  return get_from(plain_session(), serve_bytes(bytes, ORIGIN_CLOSE));
}

static vi_transfer *answered(const char *bytes) {
  return answered_bytes(vi_text_of(bytes));
}

/* The response to `bytes`, or an empty one where there has to be one and is none. */
static const vi_response *response_to(const char *bytes) {
  vi_transfer *transfer = answered(bytes);
  return check(succeeded(transfer)) ? transfer->response : response_with(0, "", "");
}

/* An answer of the body after a head with that field. */
static vi_text answer_of(const char *field_line, vi_text body) {
  vi_buffer *head = scratch();
  check(vi_buffer_append_text(head, VI_TEXT(OK_HEAD)) &&
        vi_buffer_append_text(head, vi_text_of(field_line)) &&
        vi_buffer_append_text(head, VI_TEXT("\r\n\r\n")));
  return concatenated(vi_buffer_text(head), body);
}

IT("undoes a content coding, and takes out the fields that spoke of the coded body") {
  vi_text body = coded(VI_TEXT("hello"), CODING_GZIP);
  vi_transfer *transfer = answered_bytes(
      answer_of("ETag: \"z\"\r\nContent-Length: 25\r\nContent-Encoding: gzip", body));
  require(check_int(body.length, 25) && succeeded(transfer));
  const vi_response *response = transfer->response;
  check_text(vi_response_body(response), "hello");
  check_text(vi_buffer_text(&response->encoding), "gzip");
  check(!has_field(&response->headers, "Content-Encoding"));
  check(!has_field(&response->headers, "Content-Length"));
  check_text(field(&response->headers, "ETag"), "\"z\"");
}

IT("leaves a coded body alone when not asked to decode") {
  vi_session_options options = plain_options();
  options.decode = false;
  vi_text body = coded(VI_TEXT("hello"), CODING_GZIP);
  vi_text answer = answer_of("Content-Encoding: gzip", body);
  vi_transfer *transfer = get_from(session_with(options), serve_bytes(answer, ORIGIN_CLOSE));
  require(succeeded(transfer));
  check(vi_text_equal(vi_response_body(transfer->response), body));
  check_text(field(&transfer->response->headers, "Content-Encoding"), "gzip");
  check_int(transfer->response->encoding.length, 0);
}

IT("takes a coded body that is not what it says for a broken protocol") {
  check(failed_with(answered(OK_HEAD "Content-Encoding: gzip\r\n\r\nnot gzip at all"),
                    VI_ERROR_PROTOCOL));
}

IT("undoes deflate too, and x-gzip, small and large") {
  const struct {
    const char *field_line;
    int format;
  } cases[] = {{"Content-Encoding: deflate", CODING_ZLIB},
               {"Content-Encoding: Deflate", CODING_RAW},
               {"Content-Encoding: x-gzip", CODING_GZIP},
               {"Content-Encoding: identity\r\nContent-Encoding: , GZIP", CODING_GZIP}};
  vi_text large = concatenated(noise(300000), monotony(300000));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tap_at("%s", cases[i].field_line);
    vi_transfer *transfer =
        answered_bytes(answer_of(cases[i].field_line, coded(VI_TEXT("hello"), cases[i].format)));
    require(succeeded(transfer));
    check_text(vi_response_body(transfer->response), "hello");
    check(!has_field(&transfer->response->headers, "Content-Encoding"));
    transfer = answered_bytes(answer_of(cases[i].field_line, coded(large, cases[i].format)));
    require(succeeded(transfer));
    check(vi_text_equal(vi_response_body(transfer->response), large));
    check(!transfer->response->unbounded);
  }
}

IT("takes a coded body that was cut at any byte for truncated") {
  vi_text body = coded(VI_TEXT("hello"), CODING_GZIP);
  for (size_t length = 1; length < body.length; length++) {
    vi_text cut = {body.data, length};
    vi_transfer *transfer = answered_bytes(answer_of("Content-Encoding: gzip", cut));
    tap_at("%zu bytes", length);
    check(failed_with(transfer, VI_ERROR_TRUNCATED));
    check(transfer->error.maybe_sent && transfer->error.retryable);
  }
}

IT("takes an empty coded body for an empty one, as some servers send it") {
  const vi_response *response =
      response_to(OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n");
  check_int(vi_response_body(response).length, 0);
  check_text(vi_buffer_text(&response->encoding), "gzip");
}

IT("refuses codings stacked one on the other, but not where nothing is coded") {
  const char *const lines[] = {"Content-Encoding: gzip, gzip", "Content-Encoding: br, gzip",
                               "Content-Encoding: gzip\r\nContent-Encoding: deflate"};
  vi_text body = coded(coded(VI_TEXT("hello"), CODING_GZIP), CODING_GZIP);
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    vi_transfer *transfer = answered_bytes(answer_of(lines[i], body));
    tap_at("%s", lines[i]);
    check(failed_with(transfer, VI_ERROR_PROTOCOL));
    check(strstr(transfer->error.message, "2 content codings"));
  }
  response_to("HTTP/1.1 204 None\r\nContent-Encoding: gzip, gzip\r\n\r\n");
  response_to(OK_HEAD "Content-Encoding: identity, identity\r\nContent-Length: 0\r\n\r\n");
}

IT("leaves a part of a coded body and a coding it does not know as they came") {
  const char *const answers[] = {
      "HTTP/1.1 206 Partial\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
      OK_HEAD "Content-Encoding: unheard-of\r\nContent-Length: 5\r\n\r\nhello"};
  for (size_t i = 0; i < 2; i++) {
    const vi_response *response = response_to(answers[i]);
    check_text(vi_response_body(response), "hello");
    check(has_field(&response->headers, "Content-Encoding"));
    check_int(response->encoding.length, 0);
  }
}

IT("takes the fields that spoke of the coded body out of a 304, and of no answer to HEAD") {
  const vi_response *same =
      response_to("HTTP/1.1 304 Same\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n");
  check_int(same->headers.count, 0);
  check_text(vi_buffer_text(&same->encoding), "gzip");
  origin *server =
      serve(OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 25\r\n\r\n", ORIGIN_CLOSE);
  vi_transfer *head = exchange(plain_session(), request_for(server, "HEAD", "/", ""));
  require(succeeded(head));
  check_int(head->response->headers.count, 2);
}
