/* The store in the process's memory: a hash table of keys under a bound, least recently used first
 * out. */
#ifndef VI_CACHE_MEMORY_STORE_H
#define VI_CACHE_MEMORY_STORE_H

#include "cache/store.h"

/* A store of at most `max_size` entries, variants counted each (0: no bound), one reference for
 * the caller. NULL: out of memory. */
vi_store *vi_memory_store_new(size_t max_size);

/* The bound that a store of this kind was made with; 0: none. */
size_t vi_memory_store_max_size(const vi_store *store);

#endif
