#include "cache/memory_store.h"

#include "cache/hash.h"
#include "cache/table.h"
#include "message/memory.h"

enum { MANY_TABLES = 16, MANY_ENTRIES = 65536, MANY_BYTES = 256 * 1024 * 1024 };

typedef struct memory_store {
  vi_store base;
  vi_hash_key key;
  vi_gap gap;
  vi_ledger ledger;
  vi_table tables[];
} memory_store;

static bool is_small(size_t limit, size_t many) {
  return limit > 0 && limit < many;
}

static size_t tables_for(const vi_memory_limits *limits) {
  bool small = is_small(limits->max_size, MANY_ENTRIES) || is_small(limits->max_bytes, MANY_BYTES);
  return small ? 1 : MANY_TABLES;
}

/* A table takes the lower bits of a hash for its chains. */
static size_t index_of(const memory_store *store, uint64_t hash) {
  return (size_t)(hash >> 48) % store->ledger.tables;
}

static size_t memory_get(vi_store *base, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS],
                         bool uses) {
  memory_store *store = (memory_store *)base;
  uint64_t hash = vi_hash(&store->key, key);
  return vi_table_get(&store->tables[index_of(store, hash)], hash, key, entries, uses);
}

/* Has the other tables make way for what was put into the one at `home`, where that one has no more
 * than its share; and then the rest of that one. What was put is the last to go, and fits. */
static size_t make_way(memory_store *store, size_t home) {
  size_t tables = store->ledger.tables, dropped = 0;
  for (size_t i = 1; i <= tables && vi_ledger_is_over(&store->ledger); i++)
    dropped += vi_table_trim(&store->tables[(home + i) % tables]);
  return dropped;
}

static bool memory_put(vi_store *base, vi_text key, vi_stored *entry) {
  memory_store *store = (memory_store *)base;
  uint64_t hash = vi_hash(&store->key, key);
  size_t home = index_of(store, hash);
  vi_node *node = vi_node_new(key, hash, entry);
  if (!node) {
    vi_store_note(base, VI_STORE_ERRORS);
    return false;
  }
  if (!vi_ledger_admits(&store->ledger, node)) {
    vi_table_refuse(&store->tables[home], node);
    return false;
  }
  size_t dropped = vi_table_put(&store->tables[home], node);
  dropped += make_way(store, home);
  vi_store_note(base, VI_STORE_STORES);
  for (; dropped > 0; dropped--)
    vi_store_note(base, VI_STORE_EVICTIONS);
  return true;
}

static void memory_remove(vi_store *base, vi_text key, const vi_stored *entry) {
  memory_store *store = (memory_store *)base;
  uint64_t hash = vi_hash(&store->key, key);
  vi_table_remove(&store->tables[index_of(store, hash)], hash, key, entry);
}

static void memory_clear(vi_store *base) {
  memory_store *store = (memory_store *)base;
  for (size_t i = 0; i < store->ledger.tables; i++)
    vi_table_clear(&store->tables[i]);
}

static size_t memory_purge(vi_store *base, vi_purge kind, vi_text what) {
  memory_store *store = (memory_store *)base;
  size_t purged = 0;
  for (size_t i = 0; i < store->ledger.tables; i++)
    purged += vi_table_purge(&store->tables[i], kind, what);
  return purged;
}

static size_t memory_count(vi_store *base) {
  return vi_table_count_all(((memory_store *)base)->tables);
}

static size_t memory_bytes(vi_store *base) {
  return vi_table_bytes_all(((memory_store *)base)->tables);
}

static void free_tables(memory_store *store, size_t count) {
  for (size_t i = 0; i < count; i++)
    vi_table_free(&store->tables[i]);
}

static void memory_destroy(vi_store *base) {
  memory_store *store = (memory_store *)base;
  free_tables(store, store->ledger.tables);
  vi_free(store);
}

vi_store *vi_memory_store_new(const vi_memory_limits *limits) {
  static const vi_store_methods methods = {
      .get = memory_get,
      .put = memory_put,
      .remove = memory_remove,
      .clear = memory_clear,
      .count = memory_count,
      .bytes = memory_bytes,
      .purge = memory_purge,
      .destroy = memory_destroy,
  };
  size_t tables = tables_for(limits);
  memory_store *store = vi_calloc(sizeof *store + tables * sizeof *store->tables);
  if (!store)
    return NULL;
  vi_store_init(&store->base, &methods);
  store->key = vi_hash_key_new();
  store->ledger.limits = *limits;
  store->ledger.tables = tables;
  for (size_t i = 0; i < tables; i++)
    if (!vi_table_init(&store->tables[i], &store->ledger)) {
      free_tables(store, i);
      vi_free(store);
      return NULL;
    }
  return &store->base;
}

const vi_memory_limits *vi_memory_store_limits(const vi_store *store) {
  return &((const memory_store *)store)->ledger.limits;
}
