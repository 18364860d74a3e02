/* The chains of a hash table, which gets more of them one by one: what an operation costs does not
 * grow with the table, and no operation pays for all that came before it (linear hashing, Litwin
 * 1980).
 *
 * The chains' heads stand in segments, each as long as all before it. One who adds nodes asks
 * vi_buckets_wants for how many heads there shall be memory, gets that wherever it likes (outside
 * of a lock, say), and hands it in. Without memory chains get longer instead. */
#ifndef VI_CACHE_BUCKETS_H
#define VI_CACHE_BUCKETS_H

#include "cache/stored.h"

/* One entry: a variant of a key. What a search reads stands first. */
typedef struct vi_node {
  struct vi_node *chain; /* the next one in its chain */
  uint64_t hash;
  const char *key; /* the entry's URL, or what stands behind the struct */
  uint32_t key_length;
  uint32_t used;    /* when it was last put in front: see table.c */
  vi_stored *entry; /* one reference */
  struct vi_node *newer, *older;
  char own[];
} vi_node;

enum { VI_BUCKETS_FIRST = 64, VI_BUCKETS_SEGMENTS = 40 };

typedef struct vi_buckets {
  size_t count; /* chains in use */
  size_t room;  /* and those there is memory for */
  vi_node **segments[VI_BUCKETS_SEGMENTS];
  vi_node *first[VI_BUCKETS_FIRST];
} vi_buckets;

/* Empty, and asks for no memory until there are VI_BUCKETS_FIRST nodes. */
void vi_buckets_init(vi_buckets *buckets);

/* Frees the segments, not the nodes. */
void vi_buckets_free(vi_buckets *buckets);

/* Where the chain of that hash starts. */
vi_node **vi_buckets_chain(vi_buckets *buckets, uint64_t hash);

/* Splits a chain or two, each keeping its order, if there are more nodes than chains. */
void vi_buckets_grow(vi_buckets *buckets, size_t nodes);

/* How many heads the next segment has, if so many nodes want one; 0: they do not. */
size_t vi_buckets_wants(const vi_buckets *buckets, size_t nodes);

/* Takes `segment`, of that many heads, all NULL, over. False: it does not fit (any more). */
bool vi_buckets_give(vi_buckets *buckets, vi_node **segment, size_t heads);

#endif
