/* The core without memory, but for its transport: whatever allocation fails, a function says so or
 * does without it, and nothing is lost or left. */
#include "cache/memory_store.h"
#include "entries.h"
#include "message/url.h"
#include "scarcity.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static const vi_text NOTHING = {NULL, 0};

/* A request with a body and more fields than fit into the first block; NULL, with the error. */
static vi_request *make_request(const char *url, vi_error *error) {
  vi_text body = VI_TEXT("data");
  vi_request *request =
      vi_request_new(VI_TEXT("PUT"), vi_text_of(url), VI_TEXT("q=1"), &body, error);
  for (int i = 0; request && i < 40; i++) {
    char value[40];
    snprintf(value, sizeof value, "a value of some length, number %d", i);
    if (vi_headers_add(&request->headers, VI_TEXT("Name"), vi_text_of(value)) == VI_HEADERS_OK)
      continue;
    vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    vi_request_release(request);
    request = NULL;
  }
  return request;
}

IT_STARVED("builds and copies a request whole or not at all") {
  vi_error error = {0};
  vi_request *request = make_request("HTTP://Example.com:80/a/../b", &error);
  if (!request)
    return error.kind;
  vi_request *copy = vi_request_copy(request);
  bool whole = request->headers.count == 40 && request->body.length == 4;
  bool same = copy && copy->headers.count == 40 && copy->body.length == 4;
  vi_error_kind kind = copy ? VI_ERROR_NONE : VI_ERROR_OUT_OF_MEMORY;
  vi_request_release(copy);
  vi_request_release(request);
  return whole && (!copy || same) ? kind : VI_ERROR_SCRIPT;
}

IT_STARVED("retains a view or says that there is no memory") {
  vi_error error = {0};
  vi_request *request = make_request("http://h/", &error);
  if (!request)
    return error.kind;
  _Alignas(vi_request) char room[4096];
  vi_request *view = vi_request_lay_view_for(room, request, 1, strlen("A1"));
  vi_request *held = NULL;
  if (vi_headers_add(&view->headers, VI_TEXT("A"), VI_TEXT("1")) == VI_HEADERS_OK)
    held = vi_request_retain(view);
  vi_request_release(request);
  bool same = held && held->headers.count == 1 && held->body.length == 4;
  vi_error_kind kind = held ? VI_ERROR_NONE : VI_ERROR_OUT_OF_MEMORY;
  vi_request_release(held);
  return !held || same ? kind : VI_ERROR_SCRIPT;
}

IT_STARVED("parses a URL or says that there is no memory") {
  vi_error error = {0};
  vi_buffer out = {0};
  vi_url_normalize(VI_TEXT("HTTP://Example.com:80/\xc3\xa4#f"), VI_TEXT("q=1"), &out, &error);
  vi_buffer_free(&out);
  return error.kind;
}

IT_STARVED("leaves out of a store what it has no memory for, and keeps the rest") {
  vi_error_kind kind = VI_ERROR_OUT_OF_MEMORY;
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){0});
  vi_request *request = vi_request_new(VI_TEXT("GET"), VI_TEXT(URL), NOTHING, NULL, NULL);
  vi_response *response = vi_response_new();
  vi_stored *entry = request && response ? stored_of(request, response, NOW, true) : NULL;
  for (int i = 0; store && entry && i < 70; i++) {
    char key[8];
    snprintf(key, sizeof key, "%d", i);
    vi_store_put(store, vi_text_of(key), entry);
  }
  if (store && entry && vi_store_count(store) >= 69)
    kind = VI_ERROR_NONE; /* the one that failed is left out, or the table stays as it was */
  vi_store_release(store);
  vi_stored_release(entry);
  vi_response_release(response);
  vi_request_release(request);
  return kind;
}
