#include "entries.h"

#include "tap.h"

#include <stdlib.h>

const vi_policy SHARED = {.shared = true};
const vi_policy PRIVATE = {.shared = false};

static void release_stored(void *stored) {
  vi_stored_release(stored);
}

static void release_request(void *request) {
  vi_request_release(request);
}

static void release_response(void *response) {
  vi_response_release(response);
}

vi_stored *entry_of(const vi_policy *policy, const vi_request *request, const vi_response *response,
                    double time) {
  vi_freshness freshness = vi_freshness_of(policy, response, time, time);
  vi_stored *entry = vi_stored_new(policy, request, response, &freshness, NULL);
  if (!entry)
    abort();
  tap_defer(release_stored, entry);
  return entry;
}

vi_stored *entry_for(const vi_policy *policy, const char *asked, const char *fields) {
  return entry_of(policy, request_with("GET", asked), response_with(200, fields, "content"), NOW);
}

vi_stored *entry_with(const char *fields) {
  return entry_for(&SHARED, "", fields);
}

vi_stored *part_with(const char *content_range, const char *fields, const char *body) {
  vi_response *response = response_with(206, fields, body);
  check(add_fields(&response->headers, "ETag: \"1\""));
  check(vi_headers_add(&response->headers, VI_TEXT("Content-Range"), vi_text_of(content_range)) ==
        VI_HEADERS_OK);
  return entry_of(&SHARED, request_with("GET", "Range: bytes=0-"), response, NOW);
}

vi_text kept(const vi_stored *entry, const char *name) {
  vi_text value;
  vi_stored_field(entry, name, &value);
  return value;
}

vi_request *soon_released_request(vi_request *request) {
  tap_defer(release_request, request);
  return request;
}

vi_response *soon_released(vi_response *response) {
  tap_defer(release_response, response);
  return response;
}
