/* A part of the memory store: a hash table of entries in order of use, under a lock.
 *
 * What it takes to serve a key does not depend on how many entries there are, and nothing is
 * allocated, freed or gone through at length while the lock is held: nodes are made before, the
 * dead are buried after, and the table grows chain by chain. */
#ifndef VI_CACHE_TABLE_H
#define VI_CACHE_TABLE_H

#include "cache/buckets.h"
#include "cache/lock.h"
#include "cache/memory_store.h"

/* What all tables of a store share: its limits, and what they hold together. */
typedef struct vi_ledger {
  vi_memory_limits limits;
  size_t tables;
  atomic_size_t count, bytes;
} vi_ledger;

typedef struct vi_table {
  vi_lock lock;
  vi_ledger *ledger;
  size_t count, bytes;
  vi_node *newest, *oldest;
  uint32_t puts; /* how many there ever were, which is the time here */
  bool bounded;  /* something may have to make way one day: the order of use matters */
  bool exact;    /* and must be right to the last */
  bool growing;  /* somebody is getting memory for it */
  vi_buckets buckets;
} vi_table;

/* Makes an empty table whose limits are the ledger's. False: the system has no lock for it. */
bool vi_table_init(vi_table *table, vi_ledger *ledger);

/* Releases what it holds. Nobody may use it any more. */
void vi_table_free(vi_table *table);

/* A node of a copy of `key` that holds `entry`, of whose hash the tables' owner knows. NULL: out of
 * memory, or the key is too long. */
vi_node *vi_node_new(vi_text key, uint64_t hash, vi_stored *entry);

/* True if the limits leave room for it, were it alone. */
bool vi_ledger_admits(const vi_ledger *ledger, const vi_node *node);

/* True if all tables together hold more than they may. */
bool vi_ledger_is_over(const vi_ledger *ledger);

/* The entries of `key`, retained; how many. `uses`: that is a use of them. Of a table that is not
 * exact it is rarely one that anything has to be written down for: threads that only get what is
 * there do not wait for each other. */
size_t vi_table_get(vi_table *table, uint64_t hash, vi_text key,
                    vi_stored *entries[VI_STORE_MAX_VARIANTS], bool uses);

/* Puts `node`, which it takes over, in the place of the same variant. It drops a variant more than
 * there may be and, if all tables hold too much, what this one has beyond its share. Returns how
 * many entries had to make way so. */
size_t vi_table_put(vi_table *table, vi_node *node);

/* Drops the same variant as the node's entry and frees the node, which may not be kept. */
void vi_table_refuse(vi_table *table, vi_node *node);

/* What all tables hold together, while none puts anything into this one: of a single table it is
 * never more than there may be. */
size_t vi_table_count_all(vi_table *table);
size_t vi_table_bytes_all(vi_table *table);

/* As vi_store_remove. */
void vi_table_remove(vi_table *table, uint64_t hash, vi_text key, const vi_stored *entry);

/* Drops every entry. */
void vi_table_clear(vi_table *table);

/* As vi_store_purge. */
size_t vi_table_purge(vi_table *table, vi_purge kind, vi_text what);

/* Drops the least recently used while all tables together hold too much. Returns how many. */
size_t vi_table_trim(vi_table *table);

#endif
