/* cache/memory_store: the bytes that it speaks of are those that the heap gave. */
#include "cache/memory_store.h"

#include "message/memory.h"
#include "messages.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#ifdef __APPLE__
#include <malloc/malloc.h>
#define malloc_usable_size malloc_size
#else
#include <malloc.h>
#endif

enum { ENTRIES = 10000, PER_CENT = 5 };

/* What the heap has given: what a block may hold, and a word before it. */
static size_t given;

static size_t size_of(void *block) {
  return block ? malloc_usable_size(block) + sizeof(size_t) : 0;
}

static void *counting(void *context, void *block, size_t size) {
  (void)context;
  size_t before = size_of(block);
  if (size == 0) {
    free(block);
    given -= before;
    return NULL;
  }
  void *result = realloc(block, size);
  if (result)
    given += size_of(result) - before;
  return result;
}

/* A response as it comes off the wire: one block for the head, one for the body. */
static vi_response *arrived(size_t length) {
  static char bytes[4096];
  vi_headers headers = {0};
  check(add_fields(&headers, "Content-Type: application/json\n"
                             "Cache-Control: public, max-age=600\n"
                             "Date: Sun, 06 Nov 1994 08:49:37 GMT\n"
                             "ETag: \"5f3a-1b2c3d4e5f\""));
  vi_response *response = vi_response_make(VI_TEXT(URL), VI_TEXT("OK"), VI_TEXT(""), &headers,
                                           vi_body_new((vi_text){bytes, length}));
  vi_headers_free(&headers);
  if (!response)
    abort();
  response->status = 200;
  return response;
}

static void put(vi_store *store, const vi_request *request, int number, size_t length) {
  char key[64];
  snprintf(key, sizeof key, "http://example.com/things/%d?page=%d", number, number % 7);
  vi_response *response = arrived(length);
  vi_stored *entry = stored_of(request, response, 1000, true);
  if (!entry)
    abort();
  vi_store_put(store, vi_text_of(key), entry);
  vi_stored_release(entry);
  vi_response_release(response);
}

/* Bodies of so many bytes at most, some of every length. */
static void compare(size_t longest) {
  vi_request *request = request_with("GET", "");
  given = 0;
  vi_memory_set_allocator(counting, NULL);
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){0});
  size_t empty = given;
  for (int i = 0; i < ENTRIES; i++)
    put(store, request, i, longest ? (size_t)i * 7919 % longest : 0);
  size_t taken = given - empty, said = vi_store_bytes(store);
  tap_at("bodies of %zu bytes at most: taken %zu, said %zu", longest, taken, said);
  check(said * 100 >= taken * (100 - PER_CENT));
  check(said * 100 <= taken * (100 + PER_CENT));
  vi_store_clear(store);
  check_int(given, empty);
  vi_store_release(store);
  check_int(given, 0);
  vi_memory_set_allocator(NULL, NULL);
}

IT("says within five per cent what its entries take, be they large or small") {
  compare(0);
  compare(100);
  compare(1000);
  compare(4000);
}
