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

IT("begins a value with the line behind an empty one (RFC 9112 5.2)") {
  const vi_response *response =
      response_to(OK_HEAD "A:\r\n one\r\n \r\nB: 2\r\n\t\r\nContent-Length: 0\r\n\r\n");
  check_text(field(&response->headers, "A"), "one");
  check_text(field(&response->headers, "B"), "2");
}

IT("joins nothing to a field that is folded behind a line that is none") {
  const vi_response *response =
      response_to(OK_HEAD "A: one\r\n: none\r\n two\r\nB: 2\r\n 3\r\nContent-Length: 0\r\n\r\n");
  check_text(field(&response->headers, "A"), "one");
  check_text(field(&response->headers, "B"), "2 3");
}

IT("reads a carriage return within a line as a blank (RFC 9112 2.2)") {
  const vi_response *response = response_to(
      "HTTP/1.1 200 O\rK\r\nA: \r one\rtwo\r \r\n thr\ree\r\nContent-Length: 0\r\n\r\n");
  check_text(vi_buffer_text(&response->reason), "O K");
  check_text(field(&response->headers, "A"), "one two thr ee");
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

IT("keeps interim answers as a list, the last one first, with their fields") {
  const vi_response *response =
      response_to("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n"
                  "Link: <b>\r\n\r\nHTTP/1.1 103\r\nLink: <c>\r\n\r\n" OK_HELLO);
  const vi_response *interim = response->interim;
  require(interim && interim->interim && interim->interim->interim);
  check_int(interim->status, 103);
  check_text(field(&interim->headers, "Link"), "<c>");
  check_int(interim->reason.length, 0);
  interim = interim->interim;
  check_int(interim->status, 103);
  check_int(interim->http_version, 11);
  check_text(joined(&interim->headers, "Link"), "<a>, <b>");
  check_text(vi_buffer_text(&interim->reason), "Early Hints");
  check(vi_text_equal(vi_buffer_text(&interim->url), vi_buffer_text(&response->url)));
  check_int(vi_response_body(interim).length, 0);
  check_int(interim->interim->status, 100);
  check(!interim->interim->interim);
  check(!response_to(OK_HELLO)->interim);
}

IT("takes so many interim answers and no more, however the body is wanted") {
  for (int streamed = 0; streamed < 2; streamed++)
    for (size_t count = 31; count < 33; count++) {
      vi_buffer *bytes = scratch();
      for (size_t i = 0; i < count; i++)
        check(vi_buffer_append_text(bytes, VI_TEXT("HTTP/1.1 103 Early Hints\r\n\r\n")));
      check(vi_buffer_append_text(bytes, VI_TEXT(OK_HELLO)));
      vi_request *request =
          request_for(serve_bytes(vi_buffer_text(bytes), ORIGIN_CLOSE), "GET", "/", "");
      request->streams_response = streamed;
      vi_transfer *transfer = exchange(plain_session(), request);
      check(failed_with(transfer, count < 32 ? VI_ERROR_NONE : VI_ERROR_TOO_LARGE));
    }
}

IT("says where an answer came from") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_transfer *transfer = get_from(plain_session(), server);
  require(succeeded(transfer));
  check_text(vi_text_of(transfer->response->remote_address), "127.0.0.1");
  check_int(transfer->response->remote_port, origin_port(server));
}

IT("says of a body that only the connection's end marks that it may not be whole") {
  check(response_to(OK_HEAD "\r\nhello")->unbounded);
  check(response_to(OK_HEAD "Transfer-Encoding: identity\r\n\r\nhello")->unbounded);
  check(!response_to(OK_HELLO)->unbounded);
  check(!response_to(OK_HEAD "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n")->unbounded);
  check(!response_to("HTTP/1.1 204 None\r\n\r\n")->unbounded);
  check(!response_to("HTTP/1.1 304 Same\r\n\r\n")->unbounded);
  vi_transfer *head =
      exchange(plain_session(), request_for(serve(OK_HEAD "\r\n", ORIGIN_CLOSE), "HEAD", "/", ""));
  check(succeeded(head) && !head->response->unbounded);
}

IT("refuses transfer codings that it did not ask for (RFC 9112 7.4)") {
  const char *const codings[] = {
      "gzip",       "gzip, chunked",    "chunked, gzip",
      "unheard-of", "chunked, chunked", "chunked\r\nTransfer-Encoding: gzip"};
  for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
    vi_buffer *bytes = scratch();
    check(vi_buffer_append_text(bytes, VI_TEXT(OK_HEAD "Transfer-Encoding: ")));
    check(vi_buffer_append_text(bytes, vi_text_of(codings[i])));
    check(vi_buffer_append_text(bytes, VI_TEXT("\r\n\r\n0\r\n\r\n")));
    tap_at("%s", codings[i]);
    check(failed_with(answered_bytes(vi_buffer_text(bytes)), VI_ERROR_PROTOCOL));
  }
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

/* What libcurl answers a challenge with by itself, where a session's own options say so and the URL
 * has the credentials. */
static vi_transfer *authenticated(bool streamed) {
  static const char challenge[] =
      "HTTP/1.1 401 Who\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
      "Content-Encoding: gzip\r\nContent-Length: 4\r\nA: 1\r\n\r\nwhat";
  static const origin_answer answers[] = {{.bytes = challenge}, {.bytes = OK_HELLO}};
  vi_session_options options = plain_options();
  check(vi_curl_option_add_number(&options.curl, "HTTPAUTH", CURLAUTH_DIGEST, NULL));
  char url[100];
  snprintf(url, sizeof url, "http://user:password@127.0.0.1:%d/",
           origin_port(serve_all(answers, 2)));
  vi_request *request = request_to("GET", url, "");
  request->streams_response = streamed;
  return exchange(session_with(options), request);
}

IT("carries nothing of an answer that libcurl acted on over to the next") {
  vi_transfer *transfer = authenticated(false);
  require(succeeded(transfer));
  check_text(vi_response_body(transfer->response), "hello");
  check_int(transfer->response->encoding.length, 0);
  check(!has_field(&transfer->response->headers, "A"));
}

IT("cannot take back a head that was handed over") {
  vi_transfer *transfer = authenticated(true);
  check_int(transfer->response->status, 401);
  check(failed_with(transfer, VI_ERROR_PROTOCOL));
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
