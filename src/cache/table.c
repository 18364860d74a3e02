#include "cache/table.h"

#include "message/memory.h"

#include <string.h>

/* What malloc keeps of each block for itself and by rounding up, on average; an entry has one for
 * its node and one for itself; a large body of its own weighs so much that its block does not
 * count. And what its share of the chains' heads takes. */
enum { BLOCKS = 2, ROUNDING = 16, HEAD = 12 };

bool vi_table_init(vi_table *table, vi_ledger *ledger) {
  *table = (vi_table){
      .ledger = ledger,
      .bounded = ledger->limits.max_size > 0 || ledger->limits.max_bytes > 0,
      .exact = ledger->tables == 1,
  };
  vi_buckets_init(&table->buckets);
  return vi_lock_init(&table->lock, !table->exact);
}

void vi_table_free(vi_table *table) {
  vi_table_clear(table);
  vi_lock_destroy(&table->lock);
}

vi_node *vi_node_new(vi_text key, uint64_t hash, vi_stored *entry) {
  vi_text url = vi_stored_text_of(entry, VI_STORED_URL);
  bool shares = vi_text_equal(key, url);
  if (key.length > UINT32_MAX)
    return NULL;
  vi_node *node = vi_malloc(sizeof *node + (shares ? 0 : key.length));
  if (!node)
    return NULL;
  *node = (vi_node){
      .hash = hash,
      .key = shares ? url.data : node->own,
      .key_length = (uint32_t)key.length,
      .entry = vi_stored_retain(entry),
  };
  if (!shares)
    memcpy(node->own, key.data, key.length);
  return node;
}

/* Bytes of memory that a node stands for. */
static size_t bytes_of(const vi_node *node) {
  size_t own = node->key == node->own ? node->key_length : 0;
  return sizeof *node + own + vi_stored_size(node->entry) + BLOCKS * ROUNDING + HEAD;
}

static void release(vi_node *node) {
  vi_stored_release(node->entry);
  vi_free(node);
}

static void bury(vi_node *dead) {
  while (dead) {
    vi_node *next = dead->chain;
    release(dead);
    dead = next;
  }
}

static bool is_over(size_t value, size_t limit) {
  return limit > 0 && value > limit;
}

bool vi_ledger_admits(const vi_ledger *ledger, const vi_node *node) {
  return !is_over(bytes_of(node), ledger->limits.max_entry_bytes) &&
         !is_over(bytes_of(node), ledger->limits.max_bytes);
}

static size_t read(const atomic_size_t *value) {
  return atomic_load_explicit(value, memory_order_relaxed);
}

static bool has_too_many(const vi_ledger *ledger) {
  return is_over(read(&ledger->count), ledger->limits.max_size);
}

static bool has_too_much(const vi_ledger *ledger) {
  return is_over(read(&ledger->bytes), ledger->limits.max_bytes);
}

bool vi_ledger_is_over(const vi_ledger *ledger) {
  return has_too_many(ledger) || has_too_much(ledger);
}

/* So that a table which had to make way for something large, or had bad luck, gets its share back.
 */
static bool is_beyond_share(const vi_table *table) {
  const vi_ledger *ledger = table->ledger;
  return (has_too_many(ledger) && table->count > ledger->limits.max_size / ledger->tables) ||
         (has_too_much(ledger) && table->bytes > ledger->limits.max_bytes / ledger->tables);
}

static bool has_key(const vi_node *node, uint64_t hash, vi_text key) {
  return node->hash == hash && vi_text_equal((vi_text){node->key, node->key_length}, key);
}

static void unlink_use(vi_table *table, vi_node *node) {
  *(node->newer ? &node->newer->older : &table->newest) = node->older;
  *(node->older ? &node->older->newer : &table->oldest) = node->newer;
}

static void link_newest(vi_table *table, vi_node *node) {
  node->used = table->puts;
  node->newer = NULL;
  node->older = table->newest;
  *(node->older ? &node->older->newer : &table->oldest) = node;
  table->newest = node;
}

/* Moving a node writes to its neighbours, which are nowhere near. It has time where the order need
 * not be exact: a node that was in front less than a quarter of the table's entries ago has three
 * quarters of them to go. */
static bool is_recent(const vi_table *table, const vi_node *node) {
  return !table->bounded || table->newest == node ||
         (!table->exact && table->puts - node->used < table->count / 4);
}

static void touch(vi_table *table, vi_node *node) {
  if (is_recent(table, node))
    return;
  unlink_use(table, node);
  link_newest(table, node);
}

static void count_in(vi_table *table, const vi_node *node) {
  table->count++;
  table->bytes += bytes_of(node);
  atomic_fetch_add_explicit(&table->ledger->count, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&table->ledger->bytes, bytes_of(node), memory_order_relaxed);
}

static void count_out(vi_table *table, size_t nodes, size_t bytes) {
  table->count -= nodes;
  table->bytes -= bytes;
  atomic_fetch_sub_explicit(&table->ledger->count, nodes, memory_order_relaxed);
  atomic_fetch_sub_explicit(&table->ledger->bytes, bytes, memory_order_relaxed);
}

static void insert(vi_table *table, vi_node *node) {
  table->puts++;
  vi_node **chain = vi_buckets_chain(&table->buckets, node->hash);
  node->chain = *chain;
  *chain = node;
  link_newest(table, node);
  count_in(table, node);
  vi_buckets_grow(&table->buckets, table->count);
}

/* Takes the node out of everything and puts it on `dead`, to be buried without the lock. */
static void take_out(vi_table *table, vi_node *node, vi_node **dead) {
  vi_node **link = vi_buckets_chain(&table->buckets, node->hash);
  while (*link != node)
    link = &(*link)->chain;
  *link = node->chain;
  unlink_use(table, node);
  count_out(table, 1, bytes_of(node));
  node->chain = *dead;
  *dead = node;
}

/* A use of what has not been in front for long. */
static void touch_all(vi_table *table, uint64_t hash, vi_text key) {
  vi_lock_write(&table->lock);
  for (vi_node *n = *vi_buckets_chain(&table->buckets, hash); n; n = n->chain)
    if (has_key(n, hash, key))
      touch(table, n);
  vi_lock_end_write(&table->lock);
}

size_t vi_table_get(vi_table *table, uint64_t hash, vi_text key,
                    vi_stored *entries[VI_STORE_MAX_VARIANTS], bool uses) {
  size_t found = 0;
  bool late = false;
  vi_lock_part *held = vi_lock_read(&table->lock);
  vi_node *node = *vi_buckets_chain(&table->buckets, hash);
  for (; node && found < VI_STORE_MAX_VARIANTS; node = node->chain)
    if (has_key(node, hash, key)) {
      entries[found++] = vi_stored_retain(node->entry);
      if (uses && table->exact)
        touch(table, node); /* who reads an exact table has it alone */
      else if (uses)
        late = late || !is_recent(table, node);
    }
  vi_lock_end_read(held);
  if (late)
    touch_all(table, hash, key);
  return found;
}

static size_t read_locked(vi_table *table, const atomic_size_t *value) {
  vi_lock_part *held = vi_lock_read(&table->lock);
  size_t result = read(value);
  vi_lock_end_read(held);
  return result;
}

size_t vi_table_count_all(vi_table *table) {
  return read_locked(table, &table->ledger->count);
}

size_t vi_table_bytes_all(vi_table *table) {
  return read_locked(table, &table->ledger->bytes);
}

/* Drops the same variant as the node's. Where there are as many others as there may be, returns the
 * one that was put first. */
static vi_node *drop_same(vi_table *table, const vi_node *by, vi_node **dead) {
  vi_text key = {by->key, by->key_length};
  size_t others = 0;
  vi_node *last = NULL;
  for (vi_node *n = *vi_buckets_chain(&table->buckets, by->hash), *next; n; n = next) {
    next = n->chain;
    if (!has_key(n, by->hash, key))
      continue;
    if (vi_stored_same_variant(n->entry, by->entry)) {
      take_out(table, n, dead);
    } else {
      others++;
      last = n; /* a chain grows at its front: the last one has stood there long */
    }
  }
  return others < VI_STORE_MAX_VARIANTS ? NULL : last;
}

enum { AT_ONCE = 32 }; /* are dropped before others may have the lock in between */

static size_t trim(vi_table *table, bool (*owes)(const vi_table *), vi_node **dead) {
  size_t dropped = 0;
  while (dropped < AT_ONCE && table->oldest && owes(table)) {
    take_out(table, table->oldest, dead);
    dropped++;
  }
  return dropped;
}

/* What was put last does not make way for itself, be it larger than a share. */
static bool has_older_beyond_share(const vi_table *table) {
  return table->count > 1 && is_beyond_share(table);
}

static bool is_any_over(const vi_table *table) {
  return vi_ledger_is_over(table->ledger);
}

size_t vi_table_trim(vi_table *table) {
  size_t dropped, all = 0;
  do {
    vi_node *dead = NULL;
    vi_lock_write(&table->lock);
    dropped = trim(table, is_any_over, &dead);
    vi_lock_end_write(&table->lock);
    bury(dead);
    all += dropped;
  } while (dropped == AT_ONCE);
  return all;
}

/* Gets the memory for more chains. Without it they get longer, and the next one tries again. */
static void get_room(vi_table *table, size_t heads) {
  vi_node **segment = vi_calloc(heads * sizeof *segment);
  vi_lock_write(&table->lock);
  bool taken = segment && vi_buckets_give(&table->buckets, segment, heads);
  table->growing = false;
  vi_lock_end_write(&table->lock);
  if (!taken)
    vi_free(segment);
}

size_t vi_table_put(vi_table *table, vi_node *node) {
  vi_node *dead = NULL;
  vi_lock_write(&table->lock);
  vi_node *surplus = drop_same(table, node, &dead);
  if (surplus)
    take_out(table, surplus, &dead);
  insert(table, node);
  size_t dropped = (surplus != NULL) + trim(table, has_older_beyond_share, &dead);
  size_t heads = table->growing ? 0 : vi_buckets_wants(&table->buckets, table->count);
  table->growing = table->growing || heads > 0;
  vi_lock_end_write(&table->lock);
  bury(dead);
  if (heads > 0)
    get_room(table, heads);
  return dropped;
}

void vi_table_refuse(vi_table *table, vi_node *node) {
  vi_node *dead = NULL;
  vi_lock_write(&table->lock);
  drop_same(table, node, &dead);
  vi_lock_end_write(&table->lock);
  bury(dead);
  release(node);
}

void vi_table_remove(vi_table *table, uint64_t hash, vi_text key, const vi_stored *entry) {
  vi_node *dead = NULL;
  vi_lock_write(&table->lock);
  for (vi_node *n = *vi_buckets_chain(&table->buckets, hash), *next; n; n = next) {
    next = n->chain;
    if (has_key(n, hash, key) && (!entry || n->entry == entry))
      take_out(table, n, &dead);
  }
  vi_lock_end_write(&table->lock);
  bury(dead);
}

/* The one thing here that takes longer the more there is: it is done by hand, and rarely. */
size_t vi_table_purge(vi_table *table, vi_purge kind, vi_text what) {
  vi_node *dead = NULL;
  size_t purged = 0;
  vi_lock_write(&table->lock);
  for (vi_node *n = table->newest, *older; n; n = older) {
    older = n->older;
    if (!vi_store_is_purged((vi_text){n->key, n->key_length}, n->entry, kind, what))
      continue;
    take_out(table, n, &dead);
    purged++;
  }
  vi_lock_end_write(&table->lock);
  bury(dead);
  return purged;
}

/* What there is is taken away whole, and gone through without the lock. */
void vi_table_clear(vi_table *table) {
  vi_lock_write(&table->lock);
  vi_node *node = table->newest;
  vi_buckets buckets = table->buckets;
  table->newest = table->oldest = NULL;
  count_out(table, table->count, table->bytes);
  vi_buckets_init(&table->buckets);
  vi_lock_end_write(&table->lock);
  vi_buckets_free(&buckets);
  while (node) {
    vi_node *older = node->older;
    release(node);
    node = older;
  }
}
