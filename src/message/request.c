#include "message/request.h"

#include "message/memory.h"
#include "message/url.h"

#include <string.h>

static bool append_terminated(vi_buffer *to, vi_text text) {
  return vi_buffer_reserve_exactly(to, text.length + 1) && vi_buffer_append_text(to, text) &&
         vi_buffer_terminate(to);
}

static vi_request *allocate(void) {
  vi_request *request = vi_calloc(sizeof *request);
  if (request)
    atomic_init(&request->references, 1);
  return request;
}

static bool fill(vi_request *request, vi_text method, const vi_text *body) {
  request->has_body = body != NULL;
  return append_terminated(&request->method, method) &&
         (!body || vi_buffer_append_text(&request->body, *body));
}

vi_request *vi_request_new(vi_text method, vi_text url, vi_text query, const vi_text *body,
                           vi_error *error) {
  if (!vi_text_is_token(method)) {
    vi_error_set(error, VI_ERROR_REFUSED, "the method must be a token such as GET");
    return NULL;
  }
  vi_request *request = allocate();
  bool normal = request && vi_url_normalize(url, query, &request->url, error);
  if (normal && fill(request, method, body))
    return request;
  if (!request || normal)
    vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  vi_request_release(request);
  return NULL;
}

vi_request *vi_request_copy(const vi_request *request) {
  vi_request *copy = allocate();
  vi_text body = vi_buffer_text(&request->body);
  if (copy) {
    copy->streams_body = request->streams_body;
    copy->streams_again = request->streams_again;
    copy->body_length = request->body_length;
    copy->streams_response = request->streams_response;
  }
  if (copy && append_terminated(&copy->url, vi_buffer_text(&request->url)) &&
      fill(copy, vi_buffer_text(&request->method), request->has_body ? &body : NULL) &&
      vi_headers_copy(&copy->headers, &request->headers) == VI_HEADERS_OK)
    return copy;
  vi_request_release(copy);
  return NULL;
}

vi_request *vi_request_retain(vi_request *request) {
  atomic_fetch_add_explicit(&request->references, 1, memory_order_relaxed);
  return request;
}

void vi_request_release(vi_request *request) {
  if (!request || atomic_fetch_sub_explicit(&request->references, 1, memory_order_acq_rel) > 1)
    return;
  vi_buffer_free(&request->method);
  vi_buffer_free(&request->url);
  vi_headers_free(&request->headers);
  vi_buffer_free(&request->body);
  vi_free(request);
}

static bool is_one_of(const vi_request *request, const char *const *methods) {
  for (; *methods; methods++)
    if (strcmp(request->method.data, *methods) == 0)
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
  return vi_request_is_safe(request) || is_one_of(request, idempotent);
}
