/* transport/transfer: one exchange on the wire, blocking, over real sockets. What is sent, and how
 * handles and connections are used again. */
#include "transport/transfer.h"

#include "exchange.h"
#include "messages.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static const char NO_CONTENT[] = "HTTP/1.1 204 No Content\r\n\r\n";

/* The request line of what was sent `index`th. */
static vi_text line_of(origin *server, size_t index) {
  vi_text request = origin_request(server, index);
  const char *end = request.data ? strstr(request.data, "\r\n") : NULL;
  return (vi_text){request.data, end ? (size_t)(end - request.data) : 0};
}

static bool sent(origin *server, size_t index, const char *bytes) {
  vi_text request = origin_request(server, index);
  return request.data && strstr(request.data, bytes);
}

static vi_text body_sent(origin *server, size_t index) {
  vi_text request = origin_request(server, index);
  const char *body = request.data ? strstr(request.data, "\r\n\r\n") : NULL;
  return vi_text_of(body ? body + 4 : NULL);
}

IT("brings back status, reason, version, URL, fields, body and times") {
  origin *server =
      serve("HTTP/1.1 418 I'm a teapot\r\nA: 1\r\nContent-Length: 5\r\n\r\nhello", ORIGIN_KEEP);
  vi_request *request = request_for(server, "GET", "/path?query", "");
  vi_transfer *transfer = exchange(plain_session(), request);
  require(succeeded(transfer));
  const vi_response *response = transfer->response;
  check_int(response->status, 418);
  check_text(vi_buffer_text(&response->reason), "I'm a teapot");
  check_int(response->http_version, 11);
  check_text(vi_buffer_text(&response->url), request->url.data);
  check_text(field(&response->headers, "A"), "1");
  check_text(vi_response_body(response), "hello");
  check(!response->reused);
  check(response->timings.total >= response->timings.first_byte);
  check(response->timings.first_byte > 0 && response->timings.connect > 0);
}

IT("hands the response over for good") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_session *session = vi_session_new(&(vi_session_options){.max_body = 100, .proxy = ""}, NULL);
  require(session);
  vi_transfer *transfer = vi_transfer_new(session, request_for(server, "GET", "/", ""), NULL);
  require(transfer);
  vi_transfer_start(transfer);
  finish(transfer);
  vi_response *response = vi_transfer_take_response(transfer);
  vi_transfer_release(transfer);
  vi_session_release(session);
  require(response);
  check_text(vi_response_body(response), "hello");
  check_int(atomic_load(&response->references), 1);
  vi_response_release(response);
}

IT("sends the method, the path with its query, and the fields as they were given") {
  origin *server = serve(NO_CONTENT, ORIGIN_KEEP);
  vi_request *request = request_for(server, "GET", "/a%20b/c;d?q=1&r=", "X-A: 1\nx-b: two words");
  check(succeeded(exchange(plain_session(), request)));
  check_text(line_of(server, 0), "GET /a%20b/c;d?q=1&r= HTTP/1.1");
  check(sent(server, 0, "\r\nX-A: 1\r\n") && sent(server, 0, "\r\nx-b: two words\r\n"));
  check(sent(server, 0, "\r\nHost: 127.0.0.1:") && sent(server, 0, "\r\nUser-Agent: tests\r\n"));
}

IT("sends repeated and empty fields") {
  origin *server = serve(NO_CONTENT, ORIGIN_KEEP);
  check(succeeded(exchange(plain_session(), request_for(server, "GET", "/", "A: 1\nB:\nA: 2"))));
  check(sent(server, 0, "\r\nA: 1\r\n") && sent(server, 0, "\r\nA: 2\r\n"));
  check(sent(server, 0, "\r\nB:\r\n"));
}

IT("lets the caller's fields stand in the place of its own") {
  origin *server = serve(NO_CONTENT, ORIGIN_KEEP);
  vi_request *request =
      request_for(server, "GET", "/", "user-agent: mine\nAccept-Encoding: identity\nHost: h");
  check(succeeded(exchange(plain_session(), request)));
  check(sent(server, 0, "user-agent: mine\r\n") && !sent(server, 0, "tests"));
  check(sent(server, 0, "Accept-Encoding: identity\r\n") && !sent(server, 0, "gzip"));
  check(sent(server, 0, "Host: h\r\n") && !sent(server, 0, "Host: 127"));
}

IT("asks for codings only if it is to undo them") {
  origin *server = serve(NO_CONTENT, ORIGIN_KEEP);
  vi_session_options options = plain_options();
  check(succeeded(get_from(session_with(options), server)));
  options.decode = false;
  check(succeeded(get_from(session_with(options), server)));
  check(sent(server, 0, "\r\nAccept-Encoding: "));
  check(!sent(server, 1, "Accept-Encoding"));
}

IT("sends a body as it is, with its length and no type of its own invention") {
  const char *methods[] = {"POST", "PUT", "PATCH", "DELETE", "GET", "QUERY"};
  origin *server = serve(NO_CONTENT, ORIGIN_KEEP);
  vi_session *session = plain_session();
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    char line[50];
    snprintf(line, sizeof line, "%s / HTTP/1.1", methods[i]);
    tap_at("%s", methods[i]);
    check(succeeded(exchange(session, request_with_body(server, methods[i], "a=1&b"))));
    check_text(line_of(server, i), line);
    check_text(body_sent(server, i), "a=1&b");
    check(sent(server, i, "\r\nContent-Length: 5\r\n"));
    check(!sent(server, i, "Content-Type") && !sent(server, i, "Expect"));
  }
}

IT("sends a body of more than a megabyte without waiting to be asked") {
  origin *server = serve(NO_CONTENT, ORIGIN_CLOSE);
  vi_buffer *body = scratch();
  while (body->length < 1500000)
    vi_buffer_append_char(body, (char)('a' + body->length % 26));
  check(vi_buffer_terminate(body));
  check(succeeded(exchange(plain_session(), request_with_body(server, "POST", body->data))));
  check(vi_text_equal(body_sent(server, 0), vi_buffer_text(body)));
  check(!sent(server, 0, "Expect:"));
}

IT("says that an absent body is empty where the method expects one, and only there") {
  const char *expecting[] = {"POST", "PUT", "PATCH"};
  const char *others[] = {"GET", "DELETE", "OPTIONS", "HEAD", "PURGE"};
  origin *server = serve(NO_CONTENT, ORIGIN_KEEP);
  vi_session *session = plain_session();
  for (size_t i = 0; i < 3; i++) {
    check(succeeded(exchange(session, request_for(server, expecting[i], "/", ""))));
    check(sent(server, i, "\r\nContent-Length: 0\r\n"));
  }
  for (size_t i = 0; i < 5; i++) {
    check(succeeded(exchange(session, request_for(server, others[i], "/", ""))));
    check(vi_text_starts_nocase(line_of(server, 3 + i), vi_text_of(others[i])));
    check(!sent(server, 3 + i, "Content-Length") && !sent(server, 3 + i, "Transfer-Encoding"));
  }
}

IT("keeps connections and says when one was used again") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_session *session = plain_session();
  vi_transfer *first = get_from(session, server);
  vi_transfer *second = get_from(session, server);
  require(succeeded(first) && succeeded(second));
  check(!first->response->reused);
  check(second->response->reused);
  check_int(origin_connections(server), 1);
}

IT("does not keep a connection that the server wants closed") {
  origin *server = serve(OK_HEAD "Connection: close\r\nContent-Length: 0\r\n\r\n", ORIGIN_CLOSE);
  vi_session *session = plain_session();
  check(succeeded(get_from(session, server)));
  check(succeeded(get_from(session, server)));
  check_int(origin_connections(server), 2);
}

IT("does not share connections between sessions") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  check(succeeded(get_from(plain_session(), server)));
  check(succeeded(get_from(plain_session(), server)));
  check_int(origin_connections(server), 2);
}

/* One exchange whose transfer goes back to the pool at once. */
static vi_text recycled(vi_session *session, vi_request *request) {
  vi_transfer *transfer = vi_transfer_new(session, request, NULL);
  vi_buffer *body = scratch();
  check(transfer);
  vi_transfer_start(transfer);
  finish(transfer);
  if (check(succeeded(transfer)))
    check(vi_buffer_append_text(body, vi_response_body(transfer->response)));
  vi_transfer_release(transfer);
  return vi_buffer_text(body);
}

IT("carries nothing of one request over to the next on the same handle") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_session *session = plain_session();
  vi_request *plain = request_for(server, "GET", "/plain", "");
  recycled(session, request_with_body(server, "PUT", "secret"));
  recycled(session, plain);
  recycled(session, request_for(server, "DELETE", "/x?y", "X-Secret: 1\nUser-Agent: z"));
  recycled(session, plain);
  recycled(session, request_with_body(server, "POST", ""));
  check_text(recycled(session, plain), "hello");
  check(session->idle && !session->idle->next);
  for (size_t i = 1; i <= 5; i += 2) {
    check_text(line_of(server, i), "GET /plain HTTP/1.1");
    check_text(body_sent(server, i), "");
    check(!sent(server, i, "ecret") && !sent(server, i, "Content-Length"));
    check(sent(server, i, "User-Agent: tests"));
  }
}

IT("takes no body for a HEAD, whatever length is announced, and one for the GET after it") {
  static const origin_answer answers[] = {{.bytes = OK_HEAD "Content-Length: 5\r\n\r\n"},
                                          {.bytes = OK_HELLO}};
  origin *server = serve_all(answers, 2);
  vi_session *session = plain_session();
  vi_transfer *head = vi_transfer_new(session, request_for(server, "HEAD", "/", ""), NULL);
  require(head);
  vi_transfer_start(head);
  finish(head);
  if (check(succeeded(head))) {
    check_int(vi_response_body(head->response).length, 0);
    check_text(field(&head->response->headers, "Content-Length"), "5");
  }
  vi_transfer_release(head);
  check_text(recycled(session, request_for(server, "GET", "/", "")), "hello");
  check_int(origin_connections(server), 1);
}

IT("sends each URL's own path and query, however alike they are") {
  const char *paths[] = {"/a?b=1", "/a", "/", "/?", "/a?", "/a?b", "/%2e%2E/x", "/a//b?c?d", "/a"};
  origin *server = serve(NO_CONTENT, ORIGIN_KEEP);
  vi_session *session = plain_session();
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    vi_request *request = request_for(server, "GET", paths[i], "");
    char line[300];
    const char *path = strchr(request->url.data + strlen("http://"), '/');
    snprintf(line, sizeof line, "GET %s HTTP/1.1", path);
    recycled(session, request);
    check_text(line_of(server, i), line);
  }
}

IT("turns to another server with the same handle") {
  origin *one = serve(OK_HEAD "Content-Length: 3\r\n\r\none", ORIGIN_KEEP);
  origin *two = serve(OK_HEAD "Content-Length: 3\r\n\r\ntwo", ORIGIN_KEEP);
  vi_session *session = plain_session();
  check_text(recycled(session, request_for(one, "GET", "/", "")), "one");
  check_text(recycled(session, request_for(two, "GET", "/", "")), "two");
  check_text(recycled(session, request_for(one, "GET", "/x", "")), "one");
  check_text(line_of(one, 1), "GET /x HTTP/1.1");
}

IT("does not follow redirects, which is for a layer further out") {
  origin *server =
      serve("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", ORIGIN_KEEP);
  vi_transfer *transfer = get_from(plain_session(), server);
  require(succeeded(transfer));
  check_int(transfer->response->status, 302);
  check_text(field(&transfer->response->headers, "Location"), "/other");
  check_int(origin_requests(server), 1);
}

IT("speaks nothing but http and https, whatever libcurl is handed") {
  static const char *const urls[] = {"ftp://127.0.0.1:1/", "gopher://127.0.0.1:1/",
                                     "dict://127.0.0.1:1/", "file:///dev/null"};
  vi_handle *handle = vi_handle_new(plain_session());
  require(handle);
  bool refuses = true;
  for (size_t i = 0; i < sizeof urls / sizeof *urls && refuses; i++) {
    curl_easy_setopt(handle->easy, CURLOPT_URL, urls[i]);
    refuses = curl_easy_perform(handle->easy) == CURLE_UNSUPPORTED_PROTOCOL;
  }
  check(refuses);
  vi_handle_free(handle);
}
