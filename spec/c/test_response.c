/* message/response: counted, and its body counted on its own. */
#include "message/response.h"

#include "messages.h"
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const vi_text NOTHING = {NULL, 0};

static void release_response(void *response) {
  vi_response_release(response);
}

/* A response of a head with those fields, released when the test ends. */
static vi_response *made_with(const char *lines, vi_body *body) {
  vi_response *head = response_with(200, lines, "");
  vi_response *response =
      vi_response_make(VI_TEXT(URL), VI_TEXT("Fine"), VI_TEXT("gzip"), &head->headers, body);
  if (!response)
    abort();
  tap_defer(release_response, response);
  return response;
}

static unsigned body_holders(const vi_response *response) {
  return atomic_load(&response->body->references);
}

IT("is born empty, with an empty body") {
  vi_response *response = vi_response_new();
  require(response);
  check_int(response->status, 0);
  check_int(response->headers.count, 0);
  check_int(vi_response_body(response).length, 0);
  check_int(atomic_load(&response->references), 1);
  check_int(body_holders(response), 1);
  vi_response_release(response);
}

IT("copies all that it says of itself and shares the body's bytes") {
  vi_response *response = response_with(203, "A: 1\nA: 2", "content");
  response->http_version = 11;
  response->reused = response->unbounded = true;
  strcpy(response->remote_address, "::1");
  response->remote_port = 443;
  response->timings.total = 1.5;
  check(vi_buffer_append_text(&response->reason, VI_TEXT("Fine")));
  check(vi_buffer_append_text(&response->encoding, VI_TEXT("gzip")));
  vi_response *copy = vi_response_copy(response);
  require(copy);
  check_int(copy->status, 203);
  check_int(copy->http_version, 11);
  check(copy->reused && copy->unbounded);
  check_text(vi_text_of(copy->remote_address), "::1");
  check_int(copy->remote_port, 443);
  check_double(copy->timings.total, 1.5);
  check_text(vi_buffer_text(&copy->url), URL);
  check_text(vi_buffer_text(&copy->reason), "Fine");
  check_text(vi_buffer_text(&copy->encoding), "gzip");
  check_text(joined(&copy->headers, "A"), "1, 2");
  check(vi_response_body(copy).data == vi_response_body(response).data);
  check_int(body_holders(response), 2);
  vi_response_release(copy);
  check_int(body_holders(response), 1);
}

IT("gives a copy fields of its own") {
  vi_response *response = response_with(200, "A: 1", "");
  vi_response *copy = vi_response_copy(response);
  require(copy);
  check(add_fields(&copy->headers, "B: 2"));
  vi_headers_remove(&copy->headers, VI_TEXT("A"));
  check_int(response->headers.count, 1);
  check_text(field(&response->headers, "A"), "1");
  vi_response_release(copy);
}

IT("keeps the shared body alive when the response it came from is gone") {
  vi_response *response = vi_response_new();
  require(response);
  check(vi_buffer_append_text(&response->body->bytes, VI_TEXT("content")));
  vi_response *copy = vi_response_copy(response);
  vi_response_release(response);
  require(copy);
  check_text(vi_response_body(copy), "content");
  check_int(body_holders(copy), 1);
  vi_response_release(copy);
}

IT("lives until its last holder lets go") {
  vi_response *response = vi_response_new();
  require(response);
  check(vi_response_retain(response) == response);
  check_int(atomic_load(&response->references), 2);
  vi_response_release(response);
  check_int(vi_response_body(response).length, 0);
  vi_response_release(response);
  vi_response_release(NULL);
}

IT("tells its size with the body and the fields in it") {
  vi_response *response = response_with(200, "", "");
  size_t before = vi_response_size(response);
  check(vi_buffer_reserve_exactly(&response->body->bytes, 1000000));
  check_int(vi_response_size(response) - before, 1000000);
  before = vi_response_size(response);
  check(add_fields(&response->headers, "A: 1"));
  check(vi_response_size(response) > before);
}

IT("is made of a head in one block, every text copied") {
  vi_response *head = response_with(200, "A: 1\nA: 2\nB:", "");
  char url[] = URL, reason[] = "Fine", encoding[] = "gzip";
  vi_response *response = vi_response_make(vi_text_of(url), vi_text_of(reason),
                                           vi_text_of(encoding), &head->headers, NULL);
  require(response);
  memset(url, 'x', sizeof url - 1);
  memset(reason, 'x', sizeof reason - 1);
  memset(encoding, 'x', sizeof encoding - 1);
  vi_headers_clear(&head->headers);
  check(add_fields(&head->headers, "X: 9"));
  check_text(vi_buffer_text(&response->url), URL);
  check_text(vi_buffer_text(&response->reason), "Fine");
  check_text(vi_buffer_text(&response->encoding), "gzip");
  check_int(response->headers.count, 3);
  check_text(joined(&response->headers, "A"), "1, 2");
  check(has_field(&response->headers, "B"));
  check(response->url.within && response->reason.within && response->encoding.within);
  check(response->headers.within && response->headers.bytes.within);
  check_int(response->status, 0);
  vi_response_release(response);
}

IT("is made of nothing at all, too") {
  vi_headers none = {0};
  vi_response *response = vi_response_make(NOTHING, NOTHING, NOTHING, &none, NULL);
  require(response);
  check_int(response->url.length + response->reason.length + response->encoding.length, 0);
  check_int(response->headers.count, 0);
  check_int(vi_response_body(response).length, 0);
  vi_response_release(response);
}

IT("has room in its block for a field or two, as a cache adds them") {
  vi_response *response = made_with("A: 1", NULL);
  check(add_fields(&response->headers, "Age: 123456\nX-Cache: HIT"));
  check(response->headers.within && response->headers.bytes.within);
  check_text(field(&response->headers, "Age"), "123456");
}

IT("grows out of its block when more is added") {
  vi_response *response = made_with("A: 1", NULL);
  vi_headers_remove(&response->headers, VI_TEXT("A"));
  for (int i = 0; i < 100; i++)
    check(add_fields(&response->headers, "B: some value that takes room"));
  check(vi_buffer_append_text(&response->url, VI_TEXT("more")));
  check(vi_buffer_append_text(&response->reason, VI_TEXT(" and more")));
  check_int(vi_headers_count_of(&response->headers, VI_TEXT("B")), 100);
  check(!has_field(&response->headers, "A"));
  check_text(vi_buffer_text(&response->url), URL "more");
  check_text(vi_buffer_text(&response->reason), "Fine and more");
  check_text(vi_buffer_text(&response->encoding), "gzip");
}

IT("takes over the body that it is made with, and shares it with its copies") {
  vi_body *body = vi_body_new(VI_TEXT("a\0b"));
  require(body);
  vi_response *response = made_with("A: 1", body);
  check(response->body == body);
  check_int(body_holders(response), 1);
  check(vi_text_equal(vi_response_body(response), VI_TEXT("a\0b")));
  vi_response *copy = vi_response_copy(response);
  require(copy);
  check(copy->body == body);
  vi_response_release(copy);
  check_int(body_holders(response), 1);
}

IT("copies a response that has grown out of its block") {
  vi_response *response = made_with("A: 1", NULL);
  for (int i = 0; i < 50; i++)
    check(add_fields(&response->headers, "B: some value that takes room"));
  vi_headers_remove(&response->headers, VI_TEXT("A"));
  vi_response *copy = vi_response_copy(response);
  require(copy);
  check(copy->headers.within);
  check_int(copy->headers.count, 50);
  check(copy->headers.bytes.length < response->headers.bytes.length);
  vi_response_release(copy);
}

IT("makes a body of a copy of bytes, even of none") {
  char bytes[] = "content";
  vi_body *body = vi_body_new(vi_text_of(bytes)), *empty = vi_body_new(NOTHING);
  memset(bytes, 'x', sizeof bytes - 1);
  require(body && empty);
  check_text(vi_buffer_text(&body->bytes), "content");
  check_int(empty->bytes.length, 0);
  vi_body_release(body);
  vi_body_release(empty);
  vi_body_release(NULL);
}

IT("makes a body of a buffer's own bytes and leaves the buffer empty") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_append_text(buffer, VI_TEXT("content")));
  const char *data = buffer->data;
  vi_body *body = vi_body_take(buffer);
  require(body);
  check(body->bytes.data == data);
  check_text(vi_buffer_text(&body->bytes), "content");
  check(!buffer->data && buffer->length == 0 && buffer->capacity == 0);
  check(vi_buffer_append_text(buffer, VI_TEXT("something else")));
  check_text(vi_buffer_text(&body->bytes), "content");
  vi_body_release(body);
}

IT("releases the interim answers before it once, with its last copy") {
  vi_response *response = made_with("", NULL);
  vi_response *hints = vi_response_copy(response), *early = vi_response_copy(response);
  require(hints && early);
  early->status = 102;
  hints->status = 103;
  hints->interim = early;
  response->interim = hints;
  vi_response *copy = vi_response_copy(response);
  require(copy);
  check(copy->interim == hints && hints->interim == early);
  check_int(atomic_load(&hints->references), 2);
  check_int(atomic_load(&early->references), 1);
  vi_response_release(copy);
  check_int(atomic_load(&hints->references), 1);
}

IT("leaves an interim answer to whoever still holds it") {
  vi_response *response = made_with("", NULL), *copy = vi_response_copy(response);
  require(copy);
  copy->interim = vi_response_retain(response);
  vi_response_release(copy);
  check_int(atomic_load(&response->references), 1);
  check_text(vi_buffer_text(&response->url), URL);
}

IT("frees a long chain of interim answers without deep recursion") {
  vi_headers none = {0};
  vi_response *last = NULL;
  for (int i = 0; i < 200000; i++) {
    vi_response *response = vi_response_make(NOTHING, NOTHING, NOTHING, &none, NULL);
    require(response);
    response->interim = last;
    last = response;
  }
  vi_response_release(last);
}

IT("tells its size with all that lies in its block, and with its interim answers") {
  vi_response *small = made_with("", NULL), *large = made_with("Name: value", NULL);
  size_t difference = vi_response_size(large) - vi_response_size(small);
  check_int(difference, strlen("Namevalue") + sizeof(vi_field));
  size_t before = vi_response_size(large);
  large->interim = vi_response_copy(small);
  check_int(vi_response_size(large), before + vi_response_size(small));
}

enum { THREADS = 4, ROUNDS = 2000 };

static void *use(void *argument) {
  vi_response *response = argument;
  size_t wrong = 0;
  for (int i = 0; i < ROUNDS; i++) {
    vi_response *copy = vi_response_copy(vi_response_retain(response));
    wrong += !copy || vi_headers_add(&copy->headers, VI_TEXT("B"), VI_TEXT("2")) != VI_HEADERS_OK;
    wrong += !copy || !vi_text_equal(vi_response_body(copy), VI_TEXT("content"));
    vi_response_release(copy);
    vi_response_release(response);
  }
  vi_response_release(response);
  return (void *)(uintptr_t)wrong;
}

IT("is read, copied, held and let go of by several threads at once") {
  pthread_t threads[THREADS];
  vi_response *response = made_with("A: 1", vi_body_new(VI_TEXT("content")));
  response->interim = vi_response_copy(response);
  for (int i = 0; i < THREADS; i++)
    require(pthread_create(&threads[i], NULL, use, vi_response_retain(response)) == 0);
  for (int i = 0; i < THREADS; i++) {
    void *wrong;
    pthread_join(threads[i], &wrong);
    check(!wrong);
  }
  check_int(atomic_load(&response->references), 1);
  check_int(atomic_load(&response->interim->references), 1);
  check_int(body_holders(response), 2);
}
