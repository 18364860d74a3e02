/* The store in the process's memory: within limits, least recently used first out.
 *
 * A large one (without limits, or of 65,536 entries or 256 MiB and more) is made of several tables
 * that keys are spread over: threads that get what was used lately do not wait for each other, and
 * those that put something rarely do. Its limits are still those of the whole, but while n threads
 * put entries, n of them may be too many. What makes way is the least recently used of one table:
 * that of the new entry or, if it has no more than its share, the next one. And of two entries used
 * while a quarter of a table was put, the later may go first. A smaller store is one table, and
 * exact: there each use has its place in the order, and threads wait for each other. */
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
