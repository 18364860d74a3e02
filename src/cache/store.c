#include "cache/store.h"

void vi_store_init(vi_store *store, const vi_store_methods *methods) {
  store->methods = methods;
  atomic_init(&store->references, 1);
  for (size_t i = 0; i < VI_STORE_STRIPES; i++)
    for (size_t event = 0; event < VI_STORE_EVENTS; event++)
      atomic_init(&store->stripes[i].counts[event], 0);
}

/* Threads take stripes in turn, whichever store they use. */
static unsigned own_stripe(void) {
  static atomic_uint threads;
  static _Thread_local unsigned own; /* from 1 on */
  if (own == 0)
    own = 1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % VI_STORE_STRIPES;
  return own - 1;
}

void vi_store_note(vi_store *store, vi_store_event event) {
  atomic_fetch_add_explicit(&store->stripes[own_stripe()].counts[event], 1, memory_order_relaxed);
}

void vi_store_counts(const vi_store *store, size_t counts[VI_STORE_EVENTS]) {
  for (size_t event = 0; event < VI_STORE_EVENTS; event++) {
    counts[event] = 0;
    for (size_t i = 0; i < VI_STORE_STRIPES; i++)
      counts[event] += atomic_load_explicit(&store->stripes[i].counts[event], memory_order_relaxed);
  }
}

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
