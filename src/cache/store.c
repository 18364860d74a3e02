#include "cache/store.h"

#include <string.h>

void vi_store_init(vi_store *store, const vi_store_methods *methods) {
  store->methods = methods;
  atomic_init(&store->references, 1);
  store->generations = store->own_generations;
  for (size_t i = 0; i < VI_STORE_GENERATIONS; i++)
    atomic_init(&store->own_generations[i], 0);
  store->stripes = store->own_stripes;
  for (size_t i = 0; i < VI_STRIPES; i++)
    for (size_t event = 0; event < VI_STORE_EVENTS; event++)
      atomic_init(&store->stripes[i].counts[event], 0);
}

void vi_store_note(vi_store *store, vi_store_event event) {
  atomic_fetch_add_explicit(&store->stripes[vi_stripe()].counts[event], 1, memory_order_relaxed);
}

void vi_store_counts(const vi_store *store, size_t counts[VI_STORE_EVENTS]) {
  for (size_t event = 0; event < VI_STORE_EVENTS; event++) {
    counts[event] = 0;
    for (size_t i = 0; i < VI_STRIPES; i++)
      counts[event] += atomic_load_explicit(&store->stripes[i].counts[event], memory_order_relaxed);
  }
}

size_t vi_store_get(vi_store *store, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS]) {
  return store->methods->get(store, key, entries, true);
}

size_t vi_store_peek(vi_store *store, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS]) {
  return store->methods->get(store, key, entries, false);
}

bool vi_store_put(vi_store *store, vi_text key, vi_stored *entry) {
  return store->methods->put(store, key, entry);
}

void vi_store_remove(vi_store *store, vi_text key, const vi_stored *entry) {
  store->methods->remove(store, key, entry);
}

static atomic_uint *generation_of(vi_store *store, vi_text key) {
  uint32_t hash = 2166136261u; /* FNV-1a: a collision only leaves a response out */
  for (size_t i = 0; i < key.length; i++)
    hash = (hash ^ (unsigned char)key.data[i]) * 16777619u;
  return &store->generations[hash % VI_STORE_GENERATIONS];
}

unsigned vi_store_generation(vi_store *store, vi_text key) {
  return atomic_load(generation_of(store, key));
}

void vi_store_invalidate(vi_store *store, vi_text key) {
  atomic_fetch_add(generation_of(store, key), 1);
  vi_store_note(store, VI_STORE_INVALIDATIONS);
  store->methods->remove(store, key, NULL);
}

static void outdate_all(vi_store *store) {
  for (size_t i = 0; i < VI_STORE_GENERATIONS; i++)
    atomic_fetch_add(&store->generations[i], 1);
}

size_t vi_store_purge(vi_store *store, vi_purge kind, vi_text what) {
  outdate_all(store);
  return store->methods->purge(store, kind, what);
}

static bool has_tag(const vi_stored *entry, vi_text wanted) {
  vi_text tags = vi_stored_text_of(entry, VI_STORED_TAGS), tag;
  while (vi_unpack(&tags, &tag))
    if (vi_text_equal(tag, wanted))
      return true;
  return false;
}

static bool starts(vi_text text, vi_text prefix) {
  return text.length >= prefix.length && vi_text_equal((vi_text){text.data, prefix.length}, prefix);
}

/* A partition stands in front of the URL, on a line of its own. */
bool vi_store_is_purged(vi_text key, const vi_stored *entry, vi_purge kind, vi_text what) {
  if (kind == VI_PURGE_TAG)
    return has_tag(entry, what);
  const char *end = memchr(key.data, '\n', key.length);
  vi_text behind = {end ? end + 1 : key.data,
                    end ? key.length - (size_t)(end + 1 - key.data) : key.length};
  return starts(key, what) || starts(behind, what);
}

void vi_store_clear(vi_store *store) {
  outdate_all(store);
  store->methods->clear(store);
}

size_t vi_store_count(vi_store *store) {
  return store->methods->count(store);
}

size_t vi_store_bytes(vi_store *store) {
  return store->methods->bytes(store);
}

vi_store *vi_store_retain(vi_store *store) {
  atomic_fetch_add_explicit(&store->references, 1, memory_order_relaxed);
  return store;
}

void vi_store_release(vi_store *store) {
  if (store && atomic_fetch_sub_explicit(&store->references, 1, memory_order_acq_rel) == 1)
    store->methods->destroy(store);
}
