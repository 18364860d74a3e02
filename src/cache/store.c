#include "cache/store.h"

size_t vi_store_get(vi_store *store, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS]) {
  return store->methods->get(store, key, entries);
}

void vi_store_put(vi_store *store, vi_text key, vi_stored *entry) {
  store->methods->put(store, key, entry);
}

void vi_store_remove(vi_store *store, vi_text key, const vi_stored *entry) {
  store->methods->remove(store, key, entry);
}

static atomic_uint *generation_of(vi_store *store, vi_text key) {
  uint32_t hash =
      2166136261u; /* FNV-1a: who forces a collision only makes a response be left out */
  for (size_t i = 0; i < key.length; i++)
    hash = (hash ^ (unsigned char)key.data[i]) * 16777619u;
  return &store->generations[hash % VI_STORE_GENERATIONS];
}

unsigned vi_store_generation(vi_store *store, vi_text key) {
  return atomic_load(generation_of(store, key));
}

void vi_store_invalidate(vi_store *store, vi_text key) {
  atomic_fetch_add(generation_of(store, key), 1);
  store->methods->remove(store, key, NULL);
}

void vi_store_clear(vi_store *store) {
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
