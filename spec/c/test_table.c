/* cache/table: what a store cannot show from outside. */
#include "cache/table.h"

#include "entries.h"
#include "errand.h"
#include "message/memory.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = 5000 };

static void free_table(void *table) {
  vi_table_free(table);
  free(table);
}

static vi_ledger *ledger_of(size_t max_size, size_t tables) {
  vi_ledger *ledger = calloc(1, sizeof *ledger);
  if (!ledger)
    abort();
  ledger->limits.max_size = max_size;
  ledger->tables = tables;
  tap_defer(free, ledger);
  return ledger;
}

static vi_table *table_of(vi_ledger *ledger) {
  vi_table *table = calloc(1, sizeof *table);
  if (!table || !vi_table_init(table, ledger))
    abort();
  tap_defer(free_table, table);
  return table;
}

static uint64_t hash_of(int number) {
  return (uint64_t)number * 0x9e3779b97f4a7c15;
}

static size_t put(vi_table *table, vi_stored *entry, int number) {
  char key[16];
  snprintf(key, sizeof key, "%d", number);
  vi_node *node = vi_node_new(vi_text_of(key), hash_of(number), entry);
  if (!node)
    abort();
  return vi_table_put(table, node);
}

IT("has a chain for about every entry, so that what a search takes does not grow") {
  vi_table *table = table_of(ledger_of(0, 1));
  vi_stored *entry = entry_with("");
  for (int i = 0; i < MANY; i++)
    put(table, entry, i);
  check(table->buckets.count >= MANY - 2);
}

/* Refuses what is as large as a segment. */
static void *refuse_large(void *context, void *block, size_t size) {
  (void)context;
  if (size >= VI_BUCKETS_FIRST * sizeof(vi_node *))
    return NULL;
  if (size > 0)
    return realloc(block, size);
  free(block);
  return NULL;
}

IT("gets memory for more chains later if there is none at first") {
  vi_table *table = table_of(ledger_of(0, 1));
  vi_stored *entry = entry_with("");
  vi_memory_set_allocator(refuse_large, NULL);
  for (int i = 0; i < MANY / 4; i++)
    put(table, entry, i);
  vi_memory_set_allocator(NULL, NULL);
  check_int(table->count, MANY / 4);
  check_int(table->buckets.count, VI_BUCKETS_FIRST);
  for (int i = MANY / 4; i < MANY; i++)
    put(table, entry, i);
  check(table->buckets.count >= MANY - 2);
}

IT("has few chains again once it was cleared") {
  vi_table *table = table_of(ledger_of(0, 1));
  vi_stored *entry = entry_with("");
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < MANY; i++)
      put(table, entry, i);
    vi_table_clear(table);
    check_int(table->buckets.count, VI_BUCKETS_FIRST);
    check_int(table->count + table->bytes, 0);
    check_int(atomic_load(&table->ledger->count) + atomic_load(&table->ledger->bytes), 0);
  }
}

IT("drops only what it has beyond its share, when all of them hold too much") {
  vi_ledger *ledger = ledger_of(100, 2);
  vi_table *one = table_of(ledger), *other = table_of(ledger);
  vi_stored *entry = entry_with("");
  size_t dropped = 0;
  for (int i = 0; i < 80; i++)
    dropped += put(one, entry, i);
  check_int(dropped, 0);
  for (int i = 0; i < 30; i++)
    dropped += put(other, entry, i);
  check_int(dropped, 0); /* that is for the store to see to */
  check_int(one->count, 80);
  check_int(put(one, entry, 80), 11);
  check_int(atomic_load(&ledger->count), 100);
  check_int(other->count, 30);
  check_int(vi_table_trim(other), 0);
}

IT("drops on demand while there is too much") {
  vi_ledger *ledger = ledger_of(1000, 2);
  vi_table *table = table_of(ledger);
  vi_stored *entry = entry_with("");
  atomic_store(&ledger->count, 960); /* in the other table */
  for (int i = 0; i < 100; i++)
    put(table, entry, i);
  check_int(table->count, 100);
  check_int(vi_table_trim(table), 60);
  check_int(atomic_load(&ledger->count), 1000);
  atomic_store(&ledger->count, 2000);
  check_int(vi_table_trim(table), 40);
  check_int(vi_table_trim(table), 0);
}

static void get_last(void *table) {
  vi_stored *entries[VI_STORE_MAX_VARIANTS];
  char key[16];
  snprintf(key, sizeof key, "%d", MANY - 2);
  if (vi_table_get(table, hash_of(MANY - 2), vi_text_of(key), entries, true) == 1)
    vi_stored_release(entries[0]);
}

IT("gives what was put or used lately while others read, too") {
  vi_table *table = table_of(ledger_of(MANY, 2));
  vi_stored *entry = entry_with("");
  errand other;
  for (int i = 0; i < MANY; i++)
    put(table, entry, i);
  vi_lock_part *held = vi_lock_read(&table->lock);
  errand_start(&other, get_last, table);
  check(errand_is_done_soon(&other));
  vi_lock_end_read(held);
  errand_end(&other);
}
