#include "message/response.h"

#include "message/memory.h"

#include <string.h>

/* What the body of a response without one is. */
static vi_body nothing = {.references = 1};

static vi_body *allocate_body(size_t room) {
  vi_body *body = vi_malloc(sizeof *body + room);
  if (!body)
    return NULL;
  *body = (vi_body){0};
  atomic_init(&body->references, 1);
  vi_buffer_lay_within(&body->bytes, (char *)(body + 1), room);
  return body;
}

vi_body *vi_body_new(vi_text bytes) {
  vi_body *body = allocate_body(bytes.length);
  if (body)
    vi_buffer_append_text(&body->bytes, bytes);
  return body;
}

vi_body *vi_body_take(vi_buffer *bytes) {
  vi_body *body = allocate_body(0);
  if (!body)
    return NULL;
  body->bytes = *bytes;
  *bytes = (vi_buffer){0};
  return body;
}

vi_body *vi_body_retain(vi_body *body) {
  atomic_fetch_add_explicit(&body->references, 1, memory_order_relaxed);
  return body;
}

void vi_body_release(vi_body *body) {
  if (!body || atomic_fetch_sub_explicit(&body->references, 1, memory_order_acq_rel) > 1)
    return;
  vi_body_discharge(body);
  vi_buffer_free(&body->bytes);
  vi_free(body);
}

bool vi_body_charge(vi_body *body, vi_account *account, size_t already) {
  size_t size = vi_body_size(body);
  if (!account)
    return true;
  if (size > already && !vi_account_take(account, size - already))
    return false;
  if (size < already)
    vi_account_give(account, already - size);
  atomic_store(&body->account, vi_account_retain(account));
  return true;
}

void vi_body_discharge(vi_body *body) {
  vi_account *account = atomic_exchange(&body->account, NULL);
  vi_account_give(account, vi_body_size(body));
  vi_account_release(account);
}

/* An empty response without a body, in front of that much room. */
static vi_response *allocate(size_t room) {
  vi_response *response = vi_malloc(sizeof *response + room);
  if (!response)
    return NULL;
  *response = (vi_response){0};
  atomic_init(&response->references, 1);
  return response;
}

vi_response *vi_response_new(void) {
  vi_response *response = allocate(0);
  if (!response)
    return NULL;
  response->body = allocate_body(0);
  if (response->body)
    return response;
  vi_free(response);
  return NULL;
}

static char *lay(vi_buffer *buffer, char *room, vi_text text) {
  vi_buffer_lay_within(buffer, room, text.length);
  vi_buffer_append_text(buffer, text);
  return room + text.length;
}

vi_response *vi_response_prepare(vi_text url, vi_text reason, vi_text encoding, size_t field_count,
                                 size_t field_bytes, vi_body *body) {
  enum { SPARE_FIELDS = 2, SPARE_BYTES = 32 };
  size_t capacity = field_count + SPARE_FIELDS, bytes = field_bytes + SPARE_BYTES;
  vi_response *response =
      allocate(capacity * sizeof(vi_field) + url.length + reason.length + encoding.length + bytes);
  if (!response) {
    vi_body_release(body);
    return NULL;
  }
  response->body = body ? body : vi_body_retain(&nothing);
  response->headers.fields = (vi_field *)(response + 1);
  response->headers.capacity = capacity;
  response->headers.within = true;
  char *room = (char *)(response->headers.fields + capacity);
  room = lay(&response->url, room, url);
  room = lay(&response->reason, room, reason);
  room = lay(&response->encoding, room, encoding);
  vi_buffer_lay_within(&response->headers.bytes, room, bytes);
  return response;
}

vi_response *vi_response_make(vi_text url, vi_text reason, vi_text encoding,
                              const vi_headers *headers, vi_body *body) {
  vi_response *response =
      vi_response_prepare(url, reason, encoding, headers->count, vi_headers_length(headers), body);
  if (response)
    vi_headers_copy(&response->headers, headers); /* there is room */
  return response;
}

vi_response *vi_response_copy(const vi_response *response) {
  vi_response *copy = vi_response_make(
      vi_buffer_text(&response->url), vi_buffer_text(&response->reason),
      vi_buffer_text(&response->encoding), &response->headers, vi_body_retain(response->body));
  if (!copy)
    return NULL;
  copy->status = response->status;
  copy->http_version = response->http_version;
  copy->reused = response->reused;
  copy->unbounded = response->unbounded;
  copy->apart = response->apart;
  copy->timings = response->timings;
  copy->remote_port = response->remote_port;
  memcpy(copy->remote_address, response->remote_address, sizeof copy->remote_address);
  if (response->interim)
    copy->interim = vi_response_retain(response->interim);
  return copy;
}

vi_response *vi_response_retain(vi_response *response) {
  atomic_fetch_add_explicit(&response->references, 1, memory_order_relaxed);
  return response;
}

void vi_response_release(vi_response *response) {
  while (response &&
         atomic_fetch_sub_explicit(&response->references, 1, memory_order_acq_rel) == 1) {
    vi_response *interim = response->interim;
    vi_buffer_free(&response->url);
    vi_buffer_free(&response->reason);
    vi_buffer_free(&response->encoding);
    vi_headers_free(&response->headers);
    vi_body_release(response->body);
    vi_free(response);
    response = interim;
  }
}

vi_text vi_response_body(const vi_response *response) {
  return vi_buffer_text(&response->body->bytes);
}

static size_t size_of_head(const vi_response *response) {
  return sizeof *response + response->url.capacity + response->reason.capacity +
         response->encoding.capacity + response->headers.bytes.capacity +
         response->headers.capacity * sizeof(vi_field);
}

size_t vi_body_size(const vi_body *body) {
  return body == &nothing ? 0 : sizeof *body + body->bytes.capacity;
}

size_t vi_response_size(const vi_response *response) {
  size_t size = vi_body_size(response->body);
  for (; response; response = response->interim)
    size += size_of_head(response);
  return size;
}
