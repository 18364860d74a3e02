/* The store part of viesti.h: a viesti_store is the core's vi_store under another name. */
#include "cache/memory_store.h"
#include "embed/runtime.h"

static vi_store *core_of(viesti_store *store) {
  return (vi_store *)store;
}

viesti_status viesti_store_open(viesti_store **store, const viesti_store_options *options) {
  viesti_store_options given = {0};
  if (store)
    *store = NULL;
  if (!store || (options && !vi_embed_read(&given, sizeof given, options, sizeof(size_t))))
    return VIESTI_MISUSE;
  vi_memory_limits limits = {given.max_size, given.max_bytes, given.max_entry_bytes};
  *store = (viesti_store *)vi_memory_store_new(&limits);
  return *store ? VIESTI_OK : VIESTI_OUT_OF_MEMORY;
}

viesti_store *viesti_store_retain(viesti_store *store) {
  return store ? (viesti_store *)vi_store_retain(core_of(store)) : NULL;
}

void viesti_store_release(viesti_store *store) {
  vi_store_release(core_of(store));
}

void viesti_store_clear(viesti_store *store) {
  vi_store_clear(core_of(store));
}

size_t viesti_store_count(viesti_store *store) {
  return vi_store_count(core_of(store));
}

size_t viesti_store_bytes(viesti_store *store) {
  return vi_store_bytes(core_of(store));
}
