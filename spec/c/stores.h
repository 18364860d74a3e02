/* Memory stores for tests. What a function here returns is released when the running test ends. */
#ifndef SPEC_STORES_H
#define SPEC_STORES_H

#include "cache/memory_store.h"

vi_store *store_within(vi_memory_limits limits);

/* How many entries the key has; asking for them is a use. */
size_t get(vi_store *store, const char *key);

/* Likewise without a use. */
size_t peek(vi_store *store, const char *key);

/* How often that has happened. */
size_t count_of(const vi_store *store, vi_store_event event);

#endif
