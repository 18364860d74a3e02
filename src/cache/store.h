/* The interface that every cache store fulfils: entries by key, several variants a key.
 *
 * A store knows nothing of freshness. It may drop any entry at any time. Every function may be
 * called from any thread, holds no lock while it returns to its caller, and never fails a request:
 * what it cannot do it leaves out. */
#ifndef VI_CACHE_STORE_H
#define VI_CACHE_STORE_H

#include "cache/lock.h"
#include "cache/stored.h"

/* The most variants of one key that a store keeps and hands out. */
enum { VI_STORE_MAX_VARIANTS = 16 };

typedef struct vi_store vi_store;

typedef enum vi_purge {
  VI_PURGE_TAG,    /* what was stored with that tag */
  VI_PURGE_PREFIX, /* what is kept of URLs that begin so */
} vi_purge;

typedef struct vi_store_methods {
  size_t (*get)(vi_store *, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS], bool uses);
  bool (*put)(vi_store *, vi_text key, vi_stored *entry);
  void (*remove)(vi_store *, vi_text key, const vi_stored *entry);
  void (*clear)(vi_store *);
  size_t (*count)(vi_store *);
  size_t (*bytes)(vi_store *);
  size_t (*purge)(vi_store *, vi_purge kind, vi_text what);
  void (*destroy)(vi_store *);
} vi_store_methods;

/* What a store counts: what became of the requests that looked into it, which those who ask it
 * note; and what became of entries, which the store notes itself. */
typedef enum vi_store_event {
  VI_STORE_HITS,          /* answered by an entry */
  VI_STORE_MISSES,        /* there was none that could be used */
  VI_STORE_STALE,         /* there was one, which had to be validated */
  VI_STORE_STORES,        /* kept, be it in the place of another */
  VI_STORE_EVICTIONS,     /* dropped to make way */
  VI_STORE_INVALIDATIONS, /* dropped because the origin has changed what they stand for */
  VI_STORE_ERRORS,        /* what could not be kept or used for want of memory, say */
  VI_STORE_EVENTS,
} vi_store_event;

/* Counters that few threads share. */
typedef struct vi_store_stripe {
  vi_gap gap;
  atomic_size_t counts[VI_STORE_EVENTS];
} vi_store_stripe;

/* Keys share this many counts of invalidations. */
enum { VI_STORE_GENERATIONS = 256 };

struct vi_store {
  const vi_store_methods *methods;
  atomic_uint references;
  atomic_uint *generations; /* its own, or those of the store that it stands for; */
  vi_store_stripe *stripes; /* likewise */
  atomic_uint own_generations[VI_STORE_GENERATIONS];
  vi_store_stripe own_stripes[VI_STRIPES];
  vi_gap gap;
};

/* Fills the part of a new store that all kinds have; one reference for the caller. */
void vi_store_init(vi_store *store, const vi_store_methods *methods);

/* Counts that something has happened; costs a hit next to nothing. */
void vi_store_note(vi_store *store, vi_store_event event);

/* How often everything has happened since the store was made. */
void vi_store_counts(const vi_store *store, size_t counts[VI_STORE_EVENTS]);

/* The entries of `key`, each retained for the caller; returns how many. Counts as a use. */
size_t vi_store_get(vi_store *store, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS]);

/* Likewise, but it is no use: the store stays as it is. */
size_t vi_store_peek(vi_store *store, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS]);

/* Keeps `entry` (the store retains it) in the place of the same variant, if there is one. False: it
 * does not, for it is too large, say. */
bool vi_store_put(vi_store *store, vi_text key, vi_stored *entry);

/* Drops one entry of `key`, or all of them with `entry` NULL. */
void vi_store_remove(vi_store *store, vi_text key, const vi_stored *entry);

/* Drops all entries of `key`, and tells those who are about to put what they asked for before. */
void vi_store_invalidate(vi_store *store, vi_text key);

/* A number that changes when `key` is invalidated (and, rarely, when another is). */
unsigned vi_store_generation(vi_store *store, vi_text key);

/* Drops every entry, and tells those who are about to put what they asked for before. */
void vi_store_clear(vi_store *store);

/* Drops what a tag or the beginning of a URL names; returns how many entries. Goes through all of
 * them. */
size_t vi_store_purge(vi_store *store, vi_purge kind, vi_text what);

/* True if an entry of `key` is of that kind. */
bool vi_store_is_purged(vi_text key, const vi_stored *entry, vi_purge kind, vi_text what);

/* Number of entries, and the bytes that they hold. */
size_t vi_store_count(vi_store *store);
size_t vi_store_bytes(vi_store *store);

/* One more holder; returns `store`. */
vi_store *vi_store_retain(vi_store *store);

/* One holder less; the last one destroys the store and its entries. NULL is ignored. */
void vi_store_release(vi_store *store);

#endif
