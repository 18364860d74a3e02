#include "stores.h"

#include "tap.h"

#include <stdlib.h>

static void release_store(void *store) {
  vi_store_release(store);
}

vi_store *store_within(vi_memory_limits limits) {
  vi_store *store = vi_memory_store_new(&limits);
  if (!store)
    abort();
  tap_defer(release_store, store);
  return store;
}

static size_t release_all(vi_stored *const *entries, size_t count) {
  for (size_t i = 0; i < count; i++)
    vi_stored_release(entries[i]);
  return count;
}

size_t get(vi_store *store, const char *key) {
  vi_stored *entries[VI_STORE_MAX_VARIANTS];
  return release_all(entries, vi_store_get(store, vi_text_of(key), entries));
}

size_t peek(vi_store *store, const char *key) {
  vi_stored *entries[VI_STORE_MAX_VARIANTS];
  return release_all(entries, vi_store_peek(store, vi_text_of(key), entries));
}

size_t count_of(const vi_store *store, vi_store_event event) {
  size_t counts[VI_STORE_EVENTS];
  vi_store_counts(store, counts);
  return counts[event];
}
