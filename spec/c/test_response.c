/* message/response: counted, and its body counted on its own. */
#include "message/response.h"

#include "messages.h"
#include "tap.h"

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
  response->reused = true;
  response->timings.total = 1.5;
  check(vi_buffer_append_text(&response->reason, VI_TEXT("Fine")));
  check(vi_buffer_append_text(&response->encoding, VI_TEXT("gzip")));
  vi_response *copy = vi_response_copy(response);
  require(copy);
  check_int(copy->status, 203);
  check_int(copy->http_version, 11);
  check(copy->reused);
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

IT("trades its body for another's and frees its own") {
  vi_response *with_body = response_with(200, "", "content");
  vi_response *without = response_with(304, "", "");
  vi_response_share_body(without, with_body);
  check_text(vi_response_body(without), "content");
  check_int(without->status, 304);
  check_int(body_holders(with_body), 2);
}

IT("can be given its own body") {
  vi_response *response = response_with(200, "", "content");
  vi_response_share_body(response, response);
  check_text(vi_response_body(response), "content");
  check_int(body_holders(response), 1);
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
