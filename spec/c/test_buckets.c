/* cache/buckets: chains that become more one by one. */
#include "cache/buckets.h"

#include "tap.h"

#include <stdlib.h>

enum { NODES = 1000 };

typedef struct fixture {
  vi_buckets buckets;
  vi_node *nodes[NODES];
  size_t count;
} fixture;

static void add(fixture *f, uint64_t hash) {
  vi_node *node = calloc(1, sizeof *node), **chain = vi_buckets_chain(&f->buckets, hash);
  if (!node)
    abort();
  node->hash = hash;
  node->chain = *chain;
  *chain = node;
  f->nodes[f->count++] = node;
  vi_buckets_grow(&f->buckets, f->count);
}

static bool give_what_it_wants(fixture *f) {
  size_t heads = vi_buckets_wants(&f->buckets, f->count);
  return heads && vi_buckets_give(&f->buckets, calloc(heads, sizeof(vi_node *)), heads);
}

/* How many nodes stand in the chain of their hash. */
static size_t found(fixture *f) {
  size_t count = 0;
  for (size_t i = 0; i < f->count; i++) {
    vi_node *node = *vi_buckets_chain(&f->buckets, f->nodes[i]->hash);
    while (node && node != f->nodes[i])
      node = node->chain;
    count += node != NULL;
  }
  return count;
}

static uint64_t scattered(size_t i) {
  return (uint64_t)i * 0x9e3779b97f4a7c15;
}

static void clean_up(void *object) {
  fixture *f = object;
  for (size_t i = 0; i < f->count; i++)
    free(f->nodes[i]);
  vi_buckets_free(&f->buckets);
  free(f);
}

static fixture *set_up(void) {
  fixture *f = calloc(1, sizeof *f);
  if (!f)
    abort();
  vi_buckets_init(&f->buckets);
  tap_defer(clean_up, f);
  return f;
}

IT("finds each node at every size") {
  fixture *f = set_up();
  for (size_t i = 0; i < NODES; i++) {
    add(f, scattered(i));
    give_what_it_wants(f);
    tap_at("%zu nodes, %zu chains", f->count, f->buckets.count);
    check_int(found(f), f->count);
  }
}

IT("has about as many chains as nodes once there is memory for them") {
  fixture *f = set_up();
  for (size_t i = 0; i < NODES; i++) {
    add(f, scattered(i));
    give_what_it_wants(f);
  }
  check(f->buckets.count >= NODES - 2 && f->buckets.count <= NODES);
}

IT("finds each node without memory for more chains, and catches up when there is some") {
  fixture *f = set_up();
  size_t i = 0;
  for (; i < 200; i++)
    add(f, scattered(i));
  check_int(f->buckets.count, VI_BUCKETS_FIRST);
  check_int(found(f), 200);
  check(give_what_it_wants(f));
  for (; i < 200 + VI_BUCKETS_FIRST / 2; i++)
    add(f, scattered(i));
  check_int(f->buckets.count, 2 * VI_BUCKETS_FIRST);
  check_int(found(f), f->count);
}

IT("takes memory only for what comes next") {
  fixture *f = set_up();
  check_int(vi_buckets_wants(&f->buckets, VI_BUCKETS_FIRST - 1), 0);
  check_int(vi_buckets_wants(&f->buckets, VI_BUCKETS_FIRST), VI_BUCKETS_FIRST);
  vi_node **segment = calloc(VI_BUCKETS_FIRST, sizeof *segment);
  require(segment);
  check(!vi_buckets_give(&f->buckets, segment, 2 * VI_BUCKETS_FIRST));
  check(vi_buckets_give(&f->buckets, segment, VI_BUCKETS_FIRST));
  check(!vi_buckets_give(&f->buckets, segment, VI_BUCKETS_FIRST));
  check_int(vi_buckets_wants(&f->buckets, VI_BUCKETS_FIRST), 0);
}

IT("keeps the order of a chain that is split") {
  fixture *f = set_up();
  for (uint64_t i = 0; i < 6; i++)
    add(f, (i % 3 == 2 ? VI_BUCKETS_FIRST : 0) | i << 32); /* of one chain first, then of two */
  for (size_t i = 0; i < VI_BUCKETS_FIRST; i++)
    add(f, scattered(i) | 1); /* elsewhere */
  check(give_what_it_wants(f));
  vi_buckets_grow(&f->buckets, f->count);
  const size_t stay[] = {4, 3, 1, 0}, go[] = {5, 2};
  vi_node *node = *vi_buckets_chain(&f->buckets, 0);
  for (size_t i = 0; i < 4; i++, node = node ? node->chain : NULL)
    check(node == f->nodes[stay[i]]);
  check(node == NULL);
  node = *vi_buckets_chain(&f->buckets, VI_BUCKETS_FIRST);
  for (size_t i = 0; i < 2; i++, node = node ? node->chain : NULL)
    check(node == f->nodes[go[i]]);
  check(node == NULL);
}
