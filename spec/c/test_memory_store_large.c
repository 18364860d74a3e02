/* cache/memory_store: what holds of a large one, whose keys are spread over several tables. */
#include "entries.h"
#include "stores.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT = 65536, MEBIBYTE = 1024 * 1024, MAX_BYTES = 256 * MEBIBYTE };

/* An entry that holds so many bytes and a few. Those of a large one, which are not copied, never
 * come into being. */
static vi_stored *sized(size_t bytes) {
  vi_response *response = response_with(200, "", "");
  check(vi_buffer_reserve_exactly(&response->body->bytes, bytes + 1));
  if (bytes <= VI_STORED_WITHIN)
    memset(response->body->bytes.data, 'x', bytes);
  response->body->bytes.length = bytes;
  return entry_of(&SHARED, request_with("GET", ""), response, NOW);
}

static void put(vi_store *store, const char *kind, int number, vi_stored *entry) {
  char key[32];
  snprintf(key, sizeof key, "%s %d", kind, number);
  vi_store_put(store, vi_text_of(key), entry);
}

static bool has(vi_store *store, const char *kind, int number) {
  char key[32];
  snprintf(key, sizeof key, "%s %d", kind, number);
  return get(store, key) > 0;
}

IT("holds as many entries as it may before one has to go, and never more") {
  vi_store *store = store_within((vi_memory_limits){.max_size = LIMIT});
  vi_stored *entry = sized(0);
  size_t wrong = 0;
  for (int i = 0; i < LIMIT; i++)
    put(store, "key", i, entry);
  check_int(vi_store_count(store), LIMIT);
  check_int(count_of(store, VI_STORE_EVICTIONS), 0);
  for (int i = LIMIT; i < 2 * LIMIT; i++) {
    put(store, "key", i, entry);
    wrong += vi_store_count(store) != LIMIT;
  }
  check_int(wrong, 0);
  check_int(count_of(store, VI_STORE_EVICTIONS), LIMIT);
}

IT("lets go of what was put long ago, and of nothing that was put lately") {
  vi_store *store = store_within((vi_memory_limits){.max_size = LIMIT});
  vi_stored *entry = sized(0);
  size_t old = 0, lately = 0;
  for (int i = 0; i < 4 * LIMIT; i++)
    put(store, "key", i, entry);
  for (int i = 0; i < 2 * LIMIT; i++)
    old += has(store, "key", i);
  for (int i = 4 * LIMIT - LIMIT / 2; i < 4 * LIMIT; i++)
    lately += has(store, "key", i);
  check_int(old, 0);
  check_int(lately, LIMIT / 2);
}

IT("keeps what is used now and then among much that is not") {
  enum { USED = 1000, EVERY = LIMIT / 4 };
  vi_store *store = store_within((vi_memory_limits){.max_size = LIMIT});
  vi_stored *entry = sized(0);
  size_t lost = 0;
  for (int i = 0; i < USED; i++)
    put(store, "used", i, entry);
  for (int i = 0; i < 5 * LIMIT; i++) {
    put(store, "key", i, entry);
    for (int used = 0; i % EVERY == 0 && used < USED; used++)
      lost += !has(store, "used", used);
  }
  check_int(lost, 0);
}

IT("lets go of what was only looked at") {
  vi_store *store = store_within((vi_memory_limits){.max_size = LIMIT});
  vi_stored *entry = sized(0);
  put(store, "seen", 1, entry);
  for (int i = 0; i < 4 * LIMIT; i++) {
    put(store, "key", i, entry);
    peek(store, "seen 1");
  }
  check_int(peek(store, "seen 1"), 0);
}

IT("keeps an entry that is larger than a table's share, in the place of others") {
  vi_store *store = store_within((vi_memory_limits){.max_bytes = MAX_BYTES});
  vi_stored *small = sized(100 * 1024), *large = sized(MAX_BYTES / 2);
  for (int i = 0; i < 3000; i++)
    put(store, "small", i, small);
  check(vi_store_bytes(store) <= MAX_BYTES && vi_store_bytes(store) > MAX_BYTES / 20 * 19);
  for (int i = 0; i < 3; i++) {
    put(store, "large", i, large);
    check(has(store, "large", i));
    check(vi_store_bytes(store) <= MAX_BYTES);
  }
}

IT("keeps an entry that leaves no room for any other") {
  vi_store *store = store_within((vi_memory_limits){.max_bytes = MAX_BYTES});
  vi_stored *small = sized(0), *largest = sized(MAX_BYTES - 4096);
  for (int i = 0; i < 100; i++)
    put(store, "small", i, small);
  put(store, "largest", 1, largest);
  check(has(store, "largest", 1));
  put(store, "largest", 2, largest);
  check(!has(store, "largest", 1) && has(store, "largest", 2));
  check(vi_store_bytes(store) <= MAX_BYTES);
}

IT("has room for small entries everywhere after large ones took some or all of it") {
  const size_t sizes[] = {MAX_BYTES / 8, MAX_BYTES - 16384};
  for (size_t i = 0; i < 2; i++) {
    vi_store *store = store_within((vi_memory_limits){.max_size = LIMIT, .max_bytes = MAX_BYTES});
    vi_stored *small = sized(3600), *large = sized(sizes[i]);
    size_t found = 0;
    for (int j = 0; j < LIMIT; j++)
      put(store, "key", j, small);
    check(vi_store_bytes(store) > MAX_BYTES / 10 * 9);
    put(store, "large", 1, large);
    check(has(store, "large", 1) && vi_store_bytes(store) <= MAX_BYTES);
    for (int j = 0; j < 2 * LIMIT; j++)
      put(store, "key", j, small);
    for (int j = LIMIT + LIMIT / 2; j < 2 * LIMIT; j++)
      found += has(store, "key", j);
    check_int(found, LIMIT / 2);
  }
}

IT("forgets all when cleared, and can be used on") {
  vi_store *store = store_within((vi_memory_limits){0});
  vi_stored *entry = sized(0);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < LIMIT; i++)
      put(store, "key", i, entry);
    check_int(vi_store_count(store), LIMIT);
    check_int(atomic_load(&entry->references), LIMIT + 1);
    vi_store_clear(store);
    check_int(vi_store_count(store), 0);
    check_int(vi_store_bytes(store), 0);
    check_int(atomic_load(&entry->references), 1);
    check(!has(store, "key", 1));
  }
}
