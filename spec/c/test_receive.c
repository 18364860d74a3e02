/* transport/receive: what becomes of the bytes that a server answers, right or wrong. */
#include "exchange.h"
#include "messages.h"
#include "tap.h"

#include <stdio.h>
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

IT("keeps repeated fields, in their order and as they came") {
  const vi_response *response = response_to(OK_HEAD "Set-Cookie: a=1\r\nX: y\r\nset-cookie: b=2\r\n"
                                                    "Content-Length: 0\r\nSet-Cookie: a=1\r\n\r\n");
  check_int(response->headers.count, 5);
  check_text(joined(&response->headers, "Set-Cookie"), "a=1, b=2, a=1");
  check_text(vi_headers_name(&response->headers, 2), "set-cookie");
}

IT("takes blanks off both ends of a value and leaves those within") {
  const vi_response *response =
      response_to(OK_HEAD "A: \t x  y \t\r\nB:z\r\nC:\r\nContent-Length: 0\r\n\r\n");
  check_text(field(&response->headers, "A"), "x  y");
  check_text(field(&response->headers, "B"), "z");
  check(has_field(&response->headers, "C"));
}

IT("joins a folded line to its field (RFC 9112 5.2)") {
  const vi_response *response =
      response_to(OK_HEAD "A: one\r\n  two\r\n\tthree\r\nB: 2\r\nContent-Length: 0\r\n\r\n");
  check_text(field(&response->headers, "A"), "one two three");
  check_text(field(&response->headers, "B"), "2");
}

IT("takes lines that end without a carriage return") {
  const vi_response *response = response_to("HTTP/1.1 200 OK\nA: 1\nContent-Length: 2\n\nhi");
  check_text(field(&response->headers, "A"), "1");
  check_text(vi_response_body(response), "hi");
}

IT("skips the heads of interim answers and their fields") {
  const vi_response *response =
      response_to("HTTP/1.1 100 Continue\r\nA: no\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: no\r\n"
                  "\r\nHTTP/1.1 201 Created\r\nB: yes\r\nContent-Length: 0\r\n\r\n");
  check_int(response->status, 201);
  check_text(vi_buffer_text(&response->reason), "Created");
  check_int(response->headers.count, 2);
  check_text(field(&response->headers, "B"), "yes");
}

IT("leaves the reason empty where there is none") {
  const vi_response *response = response_to("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n");
  check_int(response->reason.length, 0);
  check_int(response->status, 200);
}

IT("says which version of HTTP answered") {
  check_int(response_to("HTTP/1.0 200 OK\r\n\r\nhi")->http_version, 10);
  check_int(response_to(OK_HELLO)->http_version, 11);
}

IT("takes a body that ends with the connection where no length is told") {
  check_text(vi_response_body(response_to(OK_HEAD "\r\nto the end")), "to the end");
}

IT("puts a chunked body together") {
  const vi_response *response = response_to(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
                                                    "5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n"
                                                    "0\r\n\r\n");
  check_text(vi_response_body(response), "hello world");
}

IT("does not merge trailer fields into the head (RFC 9110 6.5.1)") {
  const vi_response *response =
      response_to(OK_HEAD "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nhi\r\n0\r\n"
                          "X: trailer\r\nETag: \"bad\"\r\n\r\n");
  check_text(vi_response_body(response), "hi");
  check(!has_field(&response->headers, "X") && !has_field(&response->headers, "ETag"));
}

IT("does not merge the trailer fields of an empty body either") {
  const vi_response *response = response_to(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n"
                                                    "X: trailer\r\n\r\n");
  check_int(response->status, 200);
  check(!has_field(&response->headers, "X"));
}

IT("keeps NULs in a body") {
  static const char bytes[] = OK_HEAD "Content-Length: 3\r\n\r\na\0b";
  vi_transfer *transfer = answered_bytes(VI_TEXT(bytes));
  require(succeeded(transfer));
  check(vi_text_equal(vi_response_body(transfer->response), VI_TEXT("a\0b")));
}

IT("takes no body for 204 and 304") {
  check_int(vi_response_body(response_to("HTTP/1.1 204 None\r\n\r\nx")).length, 0);
  check_int(vi_response_body(response_to("HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n")).length,
            0);
}

/* "hello", compressed. */
#define GZIP                                                                                       \
  "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00"   \
  "\x00\x00"
static const char GZIPPED[] =
    OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 25\r\nETag: \"z\"\r\n\r\n" GZIP;

IT("undoes a content coding, and takes out the fields that spoke of the coded body") {
  vi_transfer *transfer = answered_bytes(VI_TEXT(GZIPPED));
  require(succeeded(transfer));
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
  vi_transfer *transfer =
      get_from(session_with(options), serve_bytes(VI_TEXT(GZIPPED), ORIGIN_KEEP));
  require(succeeded(transfer));
  check(vi_text_equal(vi_response_body(transfer->response), VI_TEXT(GZIP)));
  check_text(field(&transfer->response->headers, "Content-Encoding"), "gzip");
  check_int(transfer->response->encoding.length, 0);
}

IT("takes a coded body that is not what it says for a broken protocol") {
  check(failed_with(answered(OK_HEAD "Content-Encoding: gzip\r\n\r\nnot gzip at all"),
                    VI_ERROR_PROTOCOL));
}

IT("takes a reply of no byte for an empty reply") {
  vi_transfer *transfer = answered("");
  check(failed_with(transfer, VI_ERROR_EMPTY_REPLY));
  check(transfer->error.maybe_sent && transfer->error.retryable && transfer->error.code != 0);
}

IT("takes a body shorter than its length for truncated") {
  vi_transfer *transfer = answered(OK_HEAD "Content-Length: 10\r\n\r\nhello");
  check(failed_with(transfer, VI_ERROR_TRUNCATED));
  check(transfer->error.maybe_sent && transfer->error.retryable);
}

IT("takes a chunked body without its end for truncated") {
  check(failed_with(answered(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"),
                    VI_ERROR_TRUNCATED));
  check(failed_with(answered(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
                    VI_ERROR_TRUNCATED));
}

IT("never takes an answer that was cut at any byte for a whole one") {
  for (size_t length = 0; length < strlen(OK_HELLO); length++) {
    vi_transfer *transfer = answered_bytes((vi_text){OK_HELLO, length});
    tap_at("%zu bytes", length);
    check(transfer->error.kind != VI_ERROR_NONE);
    if (length >= strlen(OK_HEAD))
      check(failed_with(transfer, VI_ERROR_TRUNCATED));
  }
}

IT("takes an interim answer that no other follows for no answer") {
  check(answered("HTTP/1.1 100 Continue\r\n\r\n")->error.kind != VI_ERROR_NONE);
  check(answered("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")->error.kind != VI_ERROR_NONE);
}

IT("takes what is not HTTP for a broken protocol") {
  const char *garbage[] = {"garbage\r\n\r\n", "\x16\x03\x01\x02", "<html>hello</html>",
                           "SSH-2.0-OpenSSH_9.2\r\n", "\r\n\r\n"};
  for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
    tap_at("answer %zu", i);
    check(failed_with(answered(garbage[i]), VI_ERROR_PROTOCOL));
  }
}

IT("takes broken framing for an error") {
  check(failed_with(answered(OK_HEAD "Content-Length: -5\r\n\r\nhello"), VI_ERROR_PROTOCOL));
  /* libcurl has no code of its own for chunks that are none. */
  vi_transfer *transfer =
      answered(OK_HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n");
  check(transfer->error.kind == VI_ERROR_PROTOCOL || transfer->error.kind == VI_ERROR_RESET);
}

IT("has a response or an error for every other break of the rules") {
  const char *broken[] = {
      "HTTP/1.1\r\n\r\n",
      "HTTP/1.1 \r\n\r\n",
      "HTTP/1.1 2\r\n\r\n",
      "HTTP/1.1 20x OK\r\n\r\n",
      "HTTP/1.1 99999 OK\r\n\r\n",
      "HTTP/1.1 000 OK\r\n\r\n",
      "HTTP/7.3 200 OK\r\n\r\n",
      "HTTP/ 200 OK\r\n\r\n",
      OK_HEAD ": no name\r\n\r\n",
      OK_HEAD "no colon\r\nContent-Length: 0\r\n\r\n",
      OK_HEAD " folded before any field\r\nContent-Length: 0\r\n\r\n",
      OK_HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      OK_HEAD "Content-Length: 99999999999999999999999999\r\n\r\nhello",
      OK_HEAD "Content-Length: 5, 5\r\n\r\nhello",
      OK_HEAD "Content-Length:\r\n\r\nhello",
      OK_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      OK_HEAD "Transfer-Encoding: unheard-of\r\n\r\nhello",
      OK_HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello",
      OK_HEAD "Content-Encoding: unheard-of\r\n\r\nhello",
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
      OK_HEAD "Content-Length: 5\r\n\r\nhello, and more than was announced",
  };
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    vi_transfer *transfer = answered(broken[i]);
    tap_at("answer %zu", i);
    check(transfer->done);
    check(transfer->error.kind == VI_ERROR_NONE ? transfer->response->status >= 0
                                                : transfer->error.message[0] != '\0');
  }
}
