#include "message/request.h"

#include "message/memory.h"
#include "message/url.h"

#include <stddef.h>
#include <string.h>

/* An empty request with room for its method, its URL (and a NUL behind each) and its body. */
static vi_request *allocate(size_t method, size_t url, size_t body) {
  vi_request *request = vi_malloc(sizeof *request + method + 1 + url + 1 + body);
  if (!request)
    return NULL;
  *request = (vi_request){0};
  atomic_init(&request->references, 1);
  request->timeout = -1;
  char *room = (char *)(request + 1);
  vi_buffer_lay_within(&request->method, room, method + 1);
  vi_buffer_lay_within(&request->url, room + method + 1, url + 1);
  vi_buffer_lay_within(&request->body, room + method + 1 + url + 1, body);
  return request;
}

/* What has room for it. */
static void fill(vi_request *request, vi_text method, const vi_text *body) {
  vi_buffer_append_text(&request->method, method);
  vi_buffer_terminate(&request->method);
  request->has_body = body != NULL;
  if (body)
    vi_buffer_append_text(&request->body, *body);
}

vi_request *vi_request_new(vi_text method, vi_text url, vi_text query, const vi_text *body,
                           vi_error *error) {
  enum { SEPARATORS = 2 }; /* between URL and query, or a path that was left out */
  if (!vi_text_is_token(method)) {
    vi_error_set(error, VI_ERROR_REFUSED, "the method must be a token such as GET, got '%s'",
                 vi_text_shown(method).text);
    return NULL;
  }
  vi_request *request =
      allocate(method.length, url.length + query.length + SEPARATORS, body ? body->length : 0);
  if (!request) {
    vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    return NULL;
  }
  if (vi_url_normalize(url, query, &request->url, error)) {
    fill(request, method, body);
    return request;
  }
  vi_request_release(request);
  return NULL;
}

vi_request *vi_request_copy(const vi_request *request) {
  vi_text body = vi_buffer_text(&request->body);
  vi_request *copy = allocate(request->method.length, request->url.length, body.length);
  if (!copy)
    return NULL;
  copy->streams_body = request->streams_body;
  copy->streams_again = request->streams_again;
  copy->body_length = request->body_length;
  copy->streams_response = request->streams_response;
  copy->timeout = request->timeout;
  copy->deadline = request->deadline;
  copy->idempotent = request->idempotent;
  copy->reports_progress = request->reports_progress;
  if (request->multipart)
    copy->multipart = vi_multipart_retain(request->multipart);
  fill(copy, vi_buffer_text(&request->method), request->has_body ? &body : NULL);
  vi_buffer_append_text(&copy->url, vi_buffer_text(&request->url));
  vi_buffer_terminate(&copy->url);
  if (vi_headers_copy(&copy->headers, &request->headers) == VI_HEADERS_OK &&
      vi_headers_copy(&copy->omitted, &request->omitted) == VI_HEADERS_OK)
    return copy;
  vi_request_release(copy);
  return NULL;
}

size_t vi_request_view_size_for(size_t fields, size_t bytes) {
  return sizeof(vi_request) + fields * sizeof(vi_field) + bytes;
}

size_t vi_request_view_size(const vi_request *request) {
  bool own = request->has_own_headers;
  return vi_request_view_size_for(own ? request->headers.count : 0,
                                  own ? vi_headers_length(&request->headers) : 0);
}

/* A view that shows all that the request does, with the fields where that has them. */
static vi_request *lay(void *room, vi_request *request) {
  vi_request *view = room;
  const size_t rest = offsetof(vi_request, method); /* the count before it is others' to change */
  memcpy((char *)view + rest, (const char *)request + rest, sizeof *view - rest);
  atomic_init(&view->references, 0);
  view->within = true;
  view->base = request->base ? request->base : request;
  return view;
}

vi_request *vi_request_lay_view_for(void *room, vi_request *request, size_t fields, size_t bytes) {
  vi_request *view = lay(room, request);
  view->has_own_headers = true;
  view->headers =
      (vi_headers){.fields = (vi_field *)(view + 1), .capacity = fields, .within = true};
  vi_buffer_lay_within(&view->headers.bytes, (char *)(view->headers.fields + fields), bytes);
  return view;
}

vi_request *vi_request_lay_view(void *room, vi_request *request) {
  const vi_headers *own = &request->headers;
  if (!request->has_own_headers)
    return lay(room, request);
  vi_request *view = vi_request_lay_view_for(room, request, own->count, vi_headers_length(own));
  vi_headers_copy(&view->headers, own); /* there is room */
  return view;
}

/* A view in a block of its own, which is counted and holds what it is one of. */
static vi_request *copy_view(vi_request *view) {
  void *room = vi_malloc(vi_request_view_size(view));
  if (!room)
    return NULL;
  vi_request *copy = vi_request_lay_view(room, view);
  copy->within = false;
  atomic_init(&copy->references, 1);
  vi_request_retain(copy->base);
  return copy;
}

vi_request *vi_request_retain(vi_request *request) {
  if (request->within)
    return copy_view(request);
  atomic_fetch_add_explicit(&request->references, 1, memory_order_relaxed);
  return request;
}

void vi_request_release(vi_request *request) {
  if (!request || atomic_fetch_sub_explicit(&request->references, 1, memory_order_acq_rel) > 1)
    return;
  if (request->base) {
    vi_request_release(request->base);
    vi_free(request);
    return;
  }
  vi_buffer_free(&request->method);
  vi_buffer_free(&request->url);
  vi_headers_free(&request->headers);
  vi_headers_free(&request->omitted);
  vi_buffer_free(&request->body);
  vi_multipart_release(request->multipart);
  vi_free(request);
}

bool vi_request_has_method(const vi_request *request, const char *method) {
  return strcmp(request->method.data, method) == 0;
}

bool vi_request_reads(const vi_request *request) {
  return vi_request_has_method(request, "GET") || vi_request_has_method(request, "HEAD");
}

static bool is_one_of(const vi_request *request, const char *const *methods) {
  for (; *methods; methods++)
    if (vi_request_has_method(request, *methods))
      return true;
  return false;
}

bool vi_request_is_replayable(const vi_request *request) {
  return !request->streams_body || request->streams_again;
}

bool vi_request_is_safe(const vi_request *request) {
  static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "TRACE", NULL};
  return is_one_of(request, safe);
}

bool vi_request_is_idempotent(const vi_request *request) {
  static const char *const idempotent[] = {"PUT", "DELETE", NULL};
  return request->idempotent || vi_request_is_safe(request) || is_one_of(request, idempotent) ||
         vi_headers_has(&request->headers, VI_TEXT("Idempotency-Key"));
}
