/* The store in the process's memory: a hash table of keys under a bound, least recently used first
 * out. */
#ifndef VI_CACHE_MEMORY_STORE_H
#define VI_CACHE_MEMORY_STORE_H

#include "cache/store.h"

/* 0: no bound. */
typedef struct vi_memory_limits {
  size_t max_size;        /* entries, variants counted each */
  size_t max_bytes;       /* of memory that all entries hold, and what the store needs for them */
  size_t max_entry_bytes; /* likewise of one: a larger one is not kept */
} vi_memory_limits;

/* A store within `limits`, one reference for the caller. NULL: out of memory. */
vi_store *vi_memory_store_new(const vi_memory_limits *limits);

/* The limits that a store of this kind was made with. */
const vi_memory_limits *vi_memory_store_limits(const vi_store *store);

#endif
