/* message/request: an immutable, counted value. */
#include "message/request.h"

#include "messages.h"
#include "tap.h"

#include <string.h>

static const vi_text NOTHING = {NULL, 0};

IT("is made of a method, a URL in normal form and no fields") {
  vi_request *request = request_to("GET", "HTTP://Example.com:80/a/../b", "");
  check(strcmp(request->method.data, "GET") == 0);
  check(strcmp(request->url.data, "http://example.com/b") == 0);
  check_int(request->headers.count, 0);
  check_int(request->body.length, 0);
  check(!request->has_body);
}

IT("merges a query into the URL's own") {
  vi_request *request =
      vi_request_new(VI_TEXT("GET"), VI_TEXT(URL "?a=1"), VI_TEXT("b=2"), NULL, NULL);
  require(request);
  check_text(vi_buffer_text(&request->url), URL "?a=1&b=2");
  vi_request_release(request);
}

IT("copies every text it is given") {
  char method[] = "POST", url[] = URL, body[] = "data";
  vi_text content = vi_text_of(body);
  vi_request *request =
      vi_request_new(vi_text_of(method), vi_text_of(url), NOTHING, &content, NULL);
  require(request);
  memset(method, 'x', sizeof method - 1);
  memset(url, 'x', sizeof url - 1);
  memset(body, 'x', sizeof body - 1);
  check_text(vi_buffer_text(&request->method), "POST");
  check_text(vi_buffer_text(&request->url), URL);
  check_text(vi_buffer_text(&request->body), "data");
  vi_request_release(request);
}

IT("tells an empty body from none, in copies too") {
  vi_text empty = VI_TEXT("");
  vi_request *request = vi_request_new(VI_TEXT("POST"), VI_TEXT(URL), NOTHING, &empty, NULL);
  require(request);
  check(request->has_body);
  vi_request *copy = vi_request_copy(request);
  require(copy);
  check(copy->has_body && copy->body.length == 0);
  vi_request_release(copy);
  vi_request_release(request);
}

IT("keeps the names of the fields that are to be left out, in copies too") {
  vi_request *request = request_with("GET", "");
  require(vi_headers_add(&request->omitted, VI_TEXT("Accept"), VI_TEXT("")) == VI_HEADERS_OK);
  vi_request *copy = vi_request_copy(request);
  require(copy);
  check(copy->omitted.count == 1);
  check_text(vi_headers_name(&copy->omitted, 0), "Accept");
  vi_request_release(copy);
}

IT("keeps NULs in its body") {
  vi_text body = VI_TEXT("a\0b");
  vi_request *request = vi_request_new(VI_TEXT("PUT"), VI_TEXT(URL), NOTHING, &body, NULL);
  require(request);
  check(vi_text_equal(vi_buffer_text(&request->body), body));
  vi_request_release(request);
}

IT("lies in one block with its method, its URL and its body") {
  vi_text body = VI_TEXT("data");
  vi_request *request = vi_request_new(VI_TEXT("PUT"), VI_TEXT(URL), VI_TEXT("q=1"), &body, NULL);
  require(request);
  vi_request *copy = vi_request_copy(request);
  require(copy);
  const vi_request *both[] = {request, copy};
  for (size_t i = 0; i < 2; i++) {
    check(both[i]->method.within && both[i]->url.within && both[i]->body.within);
    check(strcmp(both[i]->method.data, "PUT") == 0);
    check(strcmp(both[i]->url.data, URL "?q=1") == 0);
    check_text(vi_buffer_text(&both[i]->body), "data");
  }
  vi_request_release(copy);
  vi_request_release(request);
}

IT("has a URL that is longer in normal form than what it was given") {
  vi_buffer *url = scratch();
  check(vi_buffer_append_text(url, VI_TEXT("http://example.com/")));
  for (int i = 0; i < 100; i++)
    check(vi_buffer_append_text(url, VI_TEXT("\xc3\xa4")));
  vi_request *request =
      vi_request_new(VI_TEXT("GET"), vi_buffer_text(url), VI_TEXT("q=\xc3\xb6"), NULL, NULL);
  require(request);
  check(!request->url.within && request->method.within);
  check_int(request->url.length, strlen(URL) + 600 + strlen("?q=%c3%b6"));
  vi_request *copy = vi_request_copy(request);
  vi_request_release(request);
  require(copy);
  check(copy->url.within);
  check_int(strlen(copy->url.data), strlen(URL) + 600 + strlen("?q=%c3%b6"));
  check(vi_text_starts_nocase(vi_buffer_text(&copy->url), VI_TEXT(URL "%c3%a4%c3%a4")));
  vi_request_release(copy);
}

IT("has room for the slash and the question mark that were left out") {
  vi_request *request =
      vi_request_new(VI_TEXT("GET"), VI_TEXT("http://example.com"), VI_TEXT("a=1"), NULL, NULL);
  require(request);
  check(strcmp(request->url.data, URL "?a=1") == 0);
  vi_request_release(request);
}

IT("copies what is known of a body that is not in it, and shares its parts") {
  vi_multipart *parts = vi_multipart_new();
  vi_request *request = vi_request_new(VI_TEXT("POST"), VI_TEXT(URL), NOTHING, NULL, NULL);
  require(parts && request);
  request->multipart = parts;
  request->streams_body = request->streams_again = request->streams_response = true;
  request->reports_progress = true;
  request->body_length = 1234;
  vi_request *copy = vi_request_copy(request);
  require(copy);
  check(copy->multipart == parts);
  check_int(atomic_load(&parts->references), 2);
  check(copy->streams_body && copy->streams_again && copy->streams_response);
  check(copy->reports_progress && copy->body_length == 1234 && !copy->has_body);
  vi_request_release(request);
  check_int(atomic_load(&parts->references), 1);
  vi_request_release(copy);
}

IT("can be sent again unless its body comes once only") {
  vi_request *request = request_with("PUT", "");
  check(vi_request_is_replayable(request));
  request->streams_body = true;
  check(!vi_request_is_replayable(request));
  request->streams_again = true;
  check(vi_request_is_replayable(request));
}

IT("refuses methods that are no tokens") {
  const char *methods[] = {"", "GET ", "GE T", "GET\r\nX: y", "G\xc3\x84T", "GET/"};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    vi_error error = {0};
    tap_at("'%s'", methods[i]);
    check(!vi_request_new(vi_text_of(methods[i]), VI_TEXT(URL), NOTHING, NULL, &error));
    check_int(error.kind, VI_ERROR_REFUSED);
    check(strstr(error.message, "method"));
  }
}

IT("refuses bad URLs with the reason that the URL's check gives") {
  vi_error error = {0};
  check(!vi_request_new(VI_TEXT("GET"), VI_TEXT("ftp://h/"), NOTHING, NULL, &error));
  check_int(error.kind, VI_ERROR_REFUSED);
  check(strstr(error.message, "ftp"));
  check(!vi_request_new(VI_TEXT("GET"), NOTHING, NOTHING, NULL, NULL));
}

IT("copies into a request that can change without the first one changing") {
  vi_request *request = request_with("GET", "A: 1");
  vi_request *copy = vi_request_copy(request);
  require(copy);
  check(add_fields(&copy->headers, "B: 2"));
  check(vi_buffer_append_text(&copy->url, VI_TEXT("more")));
  check_int(request->headers.count, 1);
  check_text(vi_buffer_text(&request->url), URL);
  check_text(field(&copy->headers, "A"), "1");
  check(strcmp(copy->method.data, "GET") == 0);
  vi_request_release(copy);
}

/* A block that views lie in. */
typedef union block {
  vi_request view;
  char bytes[1024];
} block;

/* A view with that one field, "A: 1" say, in place of the request's, and room for no more. */
static vi_request *view_with(block *room, vi_request *request, const char *line) {
  size_t bytes = strlen(line) - strlen(": ");
  check(vi_request_view_size_for(1, bytes) <= sizeof *room);
  vi_request *view = vi_request_lay_view_for(room, request, 1, bytes);
  check(add_fields(&view->headers, line) && view->headers.within && view->headers.bytes.within);
  return view;
}

static vi_request *view_of(block *room, vi_request *request) {
  check(vi_request_view_size(request) <= sizeof *room);
  return vi_request_lay_view(room, request);
}

IT("is seen in views, which lie in another's block and hold nothing") {
  block rooms[2];
  vi_request *request = request_to("POST", URL, "A: 1");
  vi_request *first = view_of(&rooms[0], request);
  first->timeout = 1;
  vi_request *second = view_of(&rooms[1], first);
  check(second->url.data == request->url.data && strcmp(second->method.data, "POST") == 0);
  check(second->headers.fields == request->headers.fields);
  check(first->base == request && second->base == request);
  check(request->timeout < 0 && second->timeout == 1);
  check_int(atomic_load(&request->references), 1);
}

IT("has other fields in a view, and in views of that") {
  block rooms[3];
  vi_request *request = request_to("GET", URL, "A: 1");
  vi_request *first = view_with(&rooms[0], request, "B: 2");
  vi_request *second = view_of(&rooms[1], first), *third = view_with(&rooms[2], first, "C: 3");
  memset(&rooms[0], 0, sizeof rooms[0]);
  check(second->base == request && third->base == request);
  check_int(second->headers.count, 1);
  check_text(field(&second->headers, "B"), "2");
  check_int(third->headers.count, 1);
  check_text(field(&third->headers, "C"), "3");
  check_text(field(&request->headers, "A"), "1");
}

IT("is held by whoever retains a view of it, which may go then") {
  block room;
  vi_request *request = request_to("PUT", URL, "A: 1");
  vi_request *view = view_with(&room, request, "B: 2");
  view->deadline = 3;
  vi_request *held = vi_request_retain(view);
  require(held && held != view);
  memset(&room, 0, sizeof room);
  check_int(atomic_load(&request->references), 2);
  check(vi_request_retain(held) == held);
  vi_request_release(held);
  check_text(field(&held->headers, "B"), "2");
  check(held->deadline == 3 && strcmp(held->method.data, "PUT") == 0);
  vi_request_release(held);
  check_int(atomic_load(&request->references), 1);
}

IT("lives until its last holder lets go") {
  vi_request *request = vi_request_new(VI_TEXT("GET"), VI_TEXT(URL), NOTHING, NULL, NULL);
  require(request);
  check(vi_request_retain(request) == request);
  check_int(atomic_load(&request->references), 2);
  vi_request_release(request);
  check_text(vi_buffer_text(&request->url), URL);
  vi_request_release(request);
  vi_request_release(NULL);
}

IT("tells its method by its exact case, and whether that is GET or HEAD") {
  check(vi_request_has_method(request_with("QUERY", ""), "QUERY"));
  check(!vi_request_has_method(request_with("query", ""), "QUERY"));
  check(vi_request_reads(request_with("GET", "")) && vi_request_reads(request_with("HEAD", "")));
  check(!vi_request_reads(request_with("OPTIONS", "")) &&
        !vi_request_reads(request_with("get", "")));
}

IT("knows the methods that only read (RFC 9110 9.2.1), by their exact case") {
  const char *safe[] = {"GET", "HEAD", "OPTIONS", "TRACE"};
  const char *unsafe[] = {"POST", "PUT", "PATCH", "DELETE", "CONNECT", "get", "GETS", "PURGE"};
  for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
    check(vi_request_is_safe(request_with(safe[i], "")));
  for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
    check(!vi_request_is_safe(request_with(unsafe[i], "")));
}

IT("knows the methods that can be repeated (RFC 9110 9.2.2)") {
  const char *idempotent[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  const char *others[] = {"POST", "PATCH", "CONNECT", "put", "LOCK"};
  for (size_t i = 0; i < sizeof idempotent / sizeof *idempotent; i++)
    check(vi_request_is_idempotent(request_with(idempotent[i], "")));
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    check(!vi_request_is_idempotent(request_with(others[i], "")));
}

IT("gives each kind of error a name of its own, and finds it by that name") {
  for (int kind = VI_ERROR_NONE + 1; kind < VI_ERROR_KINDS; kind++)
    check_int(vi_error_kind_of(vi_error_kind_name((vi_error_kind)kind)), kind);
  check_int(vi_error_kind_of("no such kind"), VI_ERROR_NONE);
}

IT("cuts the message of an error and starts each one anew") {
  vi_error error = {.code = 7, .maybe_sent = true, .retryable = true};
  check(!vi_error_set(&error, VI_ERROR_REFUSED, "%0300d", 1));
  check_int(strlen(error.message), sizeof error.message - 1);
  check(error.code == 0 && !error.maybe_sent && !error.retryable);
  check(!vi_error_set(NULL, VI_ERROR_REFUSED, "nobody listens"));
}
