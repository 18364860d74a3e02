#include "cache/buckets.h"

#include "message/memory.h"

#include <string.h>

/* The number of the highest bit that is set; not of 0. */
static unsigned highest_bit(size_t value) {
  return 63 - (unsigned)__builtin_clzll(value);
}

/* Segment s holds the heads from VI_BUCKETS_FIRST << s on, as many as that is. */
static unsigned segment_of(size_t index) {
  return highest_bit(index / VI_BUCKETS_FIRST);
}

static vi_node **head(vi_buckets *buckets, size_t index) {
  if (index < VI_BUCKETS_FIRST)
    return &buckets->first[index];
  unsigned segment = segment_of(index);
  return &buckets->segments[segment][index - ((size_t)VI_BUCKETS_FIRST << segment)];
}

void vi_buckets_init(vi_buckets *buckets) {
  memset(buckets, 0, sizeof *buckets);
  buckets->count = buckets->room = VI_BUCKETS_FIRST;
}

void vi_buckets_free(vi_buckets *buckets) {
  for (size_t i = 0; i < VI_BUCKETS_SEGMENTS && buckets->segments[i]; i++)
    vi_free(buckets->segments[i]);
}

/* Chains are split in the order that they stand in, round by round; those that it is not yet the
 * turn of are told apart by a bit less. */
vi_node **vi_buckets_chain(vi_buckets *buckets, uint64_t hash) {
  size_t round = (size_t)1 << highest_bit(buckets->count);
  size_t index = (size_t)hash & (2 * round - 1);
  return head(buckets, index < buckets->count ? index : index - round);
}

/* Adds a chain: what belongs there of the one that it is split from. */
static void split(vi_buckets *buckets) {
  size_t round = (size_t)1 << highest_bit(buckets->count);
  vi_node **stays = head(buckets, buckets->count - round), **goes = head(buckets, buckets->count);
  for (vi_node *n = *stays; n; n = n->chain) {
    vi_node ***end = n->hash & round ? &goes : &stays;
    **end = n;
    *end = &n->chain;
  }
  *stays = *goes = NULL;
  buckets->count++;
}

void vi_buckets_grow(vi_buckets *buckets, size_t nodes) {
  enum { AT_ONCE = 2 }; /* more than nodes come: so it catches up after having waited for memory */
  for (int i = 0; i < AT_ONCE && buckets->count < nodes && buckets->count < buckets->room; i++)
    split(buckets);
}

size_t vi_buckets_wants(const vi_buckets *buckets, size_t nodes) {
  bool more = nodes >= buckets->room && segment_of(buckets->room) < VI_BUCKETS_SEGMENTS;
  return more ? buckets->room : 0;
}

bool vi_buckets_give(vi_buckets *buckets, vi_node **segment, size_t heads) {
  if (heads != buckets->room)
    return false;
  buckets->segments[segment_of(heads)] = segment;
  buckets->room += heads;
  return true;
}
