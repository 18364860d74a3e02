#include "message/response.h"

#include "message/memory.h"

static vi_body *body_new(void) {
  vi_body *body = vi_calloc(sizeof *body);
  if (body)
    atomic_init(&body->references, 1);
  return body;
}

static void body_release(vi_body *body) {
  if (!body || atomic_fetch_sub_explicit(&body->references, 1, memory_order_acq_rel) > 1)
    return;
  vi_buffer_free(&body->bytes);
  vi_free(body);
}

vi_response *vi_response_new(void) {
  vi_response *response = vi_calloc(sizeof *response);
  if (!response)
    return NULL;
  atomic_init(&response->references, 1);
  response->body = body_new();
  if (response->body)
    return response;
  vi_free(response);
  return NULL;
}

void vi_response_share_body(vi_response *response, const vi_response *from) {
  atomic_fetch_add_explicit(&from->body->references, 1, memory_order_relaxed);
  body_release(response->body);
  response->body = from->body;
}

static bool copy_buffer(vi_buffer *to, const vi_buffer *from) {
  return from->length == 0 || (vi_buffer_reserve_exactly(to, from->length) &&
                               vi_buffer_append_text(to, vi_buffer_text(from)));
}

vi_response *vi_response_copy(const vi_response *response) {
  vi_response *copy = vi_calloc(sizeof *copy);
  if (!copy)
    return NULL;
  atomic_init(&copy->references, 1);
  copy->status = response->status;
  copy->http_version = response->http_version;
  copy->reused = response->reused;
  copy->timings = response->timings;
  vi_response_share_body(copy, response);
  if (copy_buffer(&copy->url, &response->url) && copy_buffer(&copy->reason, &response->reason) &&
      copy_buffer(&copy->encoding, &response->encoding) &&
      vi_headers_copy(&copy->headers, &response->headers) == VI_HEADERS_OK)
    return copy;
  vi_response_release(copy);
  return NULL;
}

vi_response *vi_response_retain(vi_response *response) {
  atomic_fetch_add_explicit(&response->references, 1, memory_order_relaxed);
  return response;
}

void vi_response_release(vi_response *response) {
  if (!response || atomic_fetch_sub_explicit(&response->references, 1, memory_order_acq_rel) > 1)
    return;
  vi_buffer_free(&response->url);
  vi_buffer_free(&response->reason);
  vi_buffer_free(&response->encoding);
  vi_headers_free(&response->headers);
  body_release(response->body);
  vi_free(response);
}

vi_text vi_response_body(const vi_response *response) {
  return vi_buffer_text(&response->body->bytes);
}

size_t vi_response_size(const vi_response *response) {
  return sizeof *response + sizeof *response->body + response->url.capacity +
         response->reason.capacity + response->encoding.capacity +
         response->headers.bytes.capacity + response->headers.capacity * sizeof(vi_field) +
         response->body->bytes.capacity;
}
