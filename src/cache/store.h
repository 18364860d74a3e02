/* The interface that every cache store fulfils: entries by key, several variants a key.
 *
 * A store knows nothing of freshness. It may drop any entry at any time. Every function may be
 * called from any thread, holds no lock while it returns to its caller, and never fails a request:
 * what it cannot do it leaves out. */
#ifndef VI_CACHE_STORE_H
#define VI_CACHE_STORE_H

#include "cache/stored.h"

/* The most variants of one key that a store keeps and hands out. */
enum { VI_STORE_MAX_VARIANTS = 16 };

typedef struct vi_store vi_store;

typedef struct vi_store_methods {
  size_t (*get)(vi_store *, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS]);
  void (*put)(vi_store *, vi_text key, vi_stored *entry);
  void (*remove)(vi_store *, vi_text key, const vi_stored *entry);
  void (*clear)(vi_store *);
  size_t (*count)(vi_store *);
  size_t (*bytes)(vi_store *);
  void (*destroy)(vi_store *);
} vi_store_methods;

/* Keys share this many counts of invalidations. */
enum { VI_STORE_GENERATIONS = 256 };

struct vi_store {
  const vi_store_methods *methods;
  atomic_uint references;
  atomic_uint generations[VI_STORE_GENERATIONS];
};

/* The entries of `key`, each retained for the caller; returns how many. Counts as a use. */
size_t vi_store_get(vi_store *store, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS]);

/* Keeps `entry` (the store retains it) in the place of the same variant, if there is one. */
void vi_store_put(vi_store *store, vi_text key, vi_stored *entry);

/* Drops one entry of `key`, or all of them with `entry` NULL. */
void vi_store_remove(vi_store *store, vi_text key, const vi_stored *entry);

/* Drops all entries of `key`, and tells those who are about to put what they asked for before. */
void vi_store_invalidate(vi_store *store, vi_text key);

/* A number that changes when `key` is invalidated (and, rarely, when another is). */
unsigned vi_store_generation(vi_store *store, vi_text key);

/* Drops every entry. */
void vi_store_clear(vi_store *store);

/* Number of entries, and the bytes that they hold. */
size_t vi_store_count(vi_store *store);
size_t vi_store_bytes(vi_store *store);

/* One more holder; returns `store`. */
vi_store *vi_store_retain(vi_store *store);

/* One holder less; the last one destroys the store and its entries. NULL is ignored. */
void vi_store_release(vi_store *store);

#endif
