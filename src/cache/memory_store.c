#include "cache/memory_store.h"

#include "message/memory.h"

#include <pthread.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

/* One entry: a variant of a key. Those of one key stand in the same bucket's chain. */
typedef struct node {
  struct node *chain;         /* next in the bucket */
  struct node *newer, *older; /* in order of use */
  vi_stored *entry;
  size_t bytes; /* that both hold */
  uint64_t hash;
  size_t key_length;
  char key[];
} node;

typedef struct memory_store {
  vi_store base;
  pthread_mutex_t lock;
  node **buckets;
  size_t bucket_count; /* a power of two */
  size_t count, bytes;
  vi_memory_limits limits;
  node *newest, *oldest;
} memory_store;

/* FNV-1a. */
static uint64_t hash_of(vi_text key) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < key.length; i++)
    hash = (hash ^ (unsigned char)key.data[i]) * 1099511628211u;
  return hash ^ (hash >> 32);
}

static node **bucket_of(memory_store *store, uint64_t hash) {
  return &store->buckets[hash & (store->bucket_count - 1)];
}

static bool has_key(const node *n, uint64_t hash, vi_text key) {
  return n->hash == hash && vi_text_equal((vi_text){n->key, n->key_length}, key);
}

static void unlink_use(memory_store *store, node *n) {
  *(n->newer ? &n->newer->older : &store->newest) = n->older;
  *(n->older ? &n->older->newer : &store->oldest) = n->newer;
}

static void link_newest(memory_store *store, node *n) {
  n->newer = NULL;
  n->older = store->newest;
  *(n->older ? &n->older->newer : &store->oldest) = n;
  store->newest = n;
}

static void touch(memory_store *store, node *n) {
  if (store->newest == n)
    return;
  unlink_use(store, n);
  link_newest(store, n);
}

/* Takes the node out of everything and puts it on `dead`, to be freed without the lock. */
static void take_out(memory_store *store, node *n, node **dead) {
  node **link = bucket_of(store, n->hash);
  while (*link != n)
    link = &(*link)->chain;
  *link = n->chain;
  unlink_use(store, n);
  store->count--;
  store->bytes -= n->bytes;
  n->chain = *dead;
  *dead = n;
}

static void bury(node *dead) {
  while (dead) {
    node *next = dead->chain;
    vi_stored_release(dead->entry);
    vi_free(dead);
    dead = next;
  }
}

/* Doubles the table when it is full; without memory for that, chains grow instead. Each chain is
 * split in two that keep its order: variants stand newest first. */
static void grow(memory_store *store) {
  if (store->count < store->bucket_count)
    return;
  size_t count = store->bucket_count * 2;
  node **buckets = vi_calloc(count * sizeof *buckets);
  if (!buckets)
    return;
  for (size_t i = 0; i < store->bucket_count; i++) {
    node **ends[] = {&buckets[i], &buckets[i + store->bucket_count]};
    for (node *n = store->buckets[i]; n; n = n->chain) {
      node ***end = &ends[(n->hash & store->bucket_count) != 0];
      **end = n;
      *end = &n->chain;
    }
    *ends[0] = *ends[1] = NULL;
  }
  vi_free(store->buckets);
  store->buckets = buckets;
  store->bucket_count = count;
}

static size_t memory_get(vi_store *base, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS]) {
  memory_store *store = (memory_store *)base;
  uint64_t hash = hash_of(key);
  size_t found = 0;
  pthread_mutex_lock(&store->lock);
  for (node *n = *bucket_of(store, hash); n && found < VI_STORE_MAX_VARIANTS; n = n->chain)
    if (has_key(n, hash, key)) {
      entries[found++] = vi_stored_retain(n->entry);
      touch(store, n);
    }
  pthread_mutex_unlock(&store->lock);
  return found;
}

static node *node_new(vi_text key, uint64_t hash, vi_stored *entry) {
  node *n = vi_malloc(sizeof *n + key.length);
  if (!n)
    return NULL;
  *n = (node){.entry = vi_stored_retain(entry),
              .bytes = sizeof *n + key.length + vi_stored_size(entry),
              .hash = hash,
              .key_length = key.length};
  memcpy(n->key, key.data, key.length);
  return n;
}

/* Makes way for `entry`: its own variant goes, and the oldest of too many. */
static void drop_replaced(memory_store *store, uint64_t hash, vi_text key, const vi_stored *entry,
                          node **dead) {
  size_t variants = 0;
  node *last = NULL;
  for (node *n = *bucket_of(store, hash), *next; n; n = next) {
    next = n->chain;
    if (!has_key(n, hash, key))
      continue;
    if (vi_stored_same_variant(n->entry, entry)) {
      take_out(store, n, dead);
    } else {
      variants++;
      last = n; /* a chain grows at its front: the last one has stood there long */
    }
  }
  if (variants >= VI_STORE_MAX_VARIANTS)
    take_out(store, last, dead);
}

static bool is_over(size_t value, size_t limit) {
  return limit > 0 && value > limit;
}

static bool is_full(const memory_store *store) {
  return is_over(store->count, store->limits.max_size) ||
         is_over(store->bytes, store->limits.max_bytes);
}

static void memory_put(vi_store *base, vi_text key, vi_stored *entry) {
  memory_store *store = (memory_store *)base;
  uint64_t hash = hash_of(key);
  node *fresh = node_new(key, hash, entry);
  node *dead = NULL;
  if (!fresh)
    return;
  bool too_large = is_over(fresh->bytes, store->limits.max_entry_bytes) ||
                   is_over(fresh->bytes, store->limits.max_bytes);
  pthread_mutex_lock(&store->lock);
  drop_replaced(store, hash, key, entry, &dead);
  if (too_large) {
    pthread_mutex_unlock(&store->lock);
    fresh->chain = dead;
    bury(fresh);
    return;
  }
  grow(store);
  node **bucket = bucket_of(store, hash);
  fresh->chain = *bucket;
  *bucket = fresh;
  link_newest(store, fresh);
  store->count++;
  store->bytes += fresh->bytes;
  while (is_full(store))
    take_out(store, store->oldest, &dead);
  pthread_mutex_unlock(&store->lock);
  bury(dead);
}

static void memory_remove(vi_store *base, vi_text key, const vi_stored *entry) {
  memory_store *store = (memory_store *)base;
  uint64_t hash = hash_of(key);
  node *dead = NULL;
  pthread_mutex_lock(&store->lock);
  for (node *n = *bucket_of(store, hash), *next; n; n = next) {
    next = n->chain;
    if (has_key(n, hash, key) && (!entry || n->entry == entry))
      take_out(store, n, &dead);
  }
  pthread_mutex_unlock(&store->lock);
  bury(dead);
}

static void memory_clear(vi_store *base) {
  memory_store *store = (memory_store *)base;
  node *dead = NULL;
  pthread_mutex_lock(&store->lock);
  while (store->oldest)
    take_out(store, store->oldest, &dead);
  pthread_mutex_unlock(&store->lock);
  bury(dead);
}

static size_t memory_count(vi_store *base) {
  memory_store *store = (memory_store *)base;
  pthread_mutex_lock(&store->lock);
  size_t count = store->count;
  pthread_mutex_unlock(&store->lock);
  return count;
}

static size_t memory_bytes(vi_store *base) {
  memory_store *store = (memory_store *)base;
  pthread_mutex_lock(&store->lock);
  size_t bytes = store->bytes;
  pthread_mutex_unlock(&store->lock);
  return bytes;
}

static void memory_destroy(vi_store *base) {
  memory_store *store = (memory_store *)base;
  memory_clear(base);
  pthread_mutex_destroy(&store->lock);
  vi_free(store->buckets);
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
      .destroy = memory_destroy,
  };
  memory_store *store = vi_calloc(sizeof *store);
  if (!store)
    return NULL;
  store->base.methods = &methods;
  atomic_init(&store->base.references, 1);
  store->limits = *limits;
  store->bucket_count = FIRST_BUCKETS;
  store->buckets = vi_calloc(FIRST_BUCKETS * sizeof *store->buckets);
  if (store->buckets && pthread_mutex_init(&store->lock, NULL) == 0)
    return &store->base;
  vi_free(store->buckets);
  vi_free(store);
  return NULL;
}

const vi_memory_limits *vi_memory_store_limits(const vi_store *store) {
  return &((const memory_store *)store)->limits;
}
