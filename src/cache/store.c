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
