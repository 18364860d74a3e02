/* cache/memory_store: entries by key, the least recently used first out. */
#include "entries.h"
#include "stores.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static vi_store *store_of(size_t max_size) {
  return store_within((vi_memory_limits){.max_size = max_size});
}

/* An entry selected by the request field A with this value. */
static vi_stored *variant(const char *value) {
  vi_buffer *field = scratch();
  check(vi_buffer_append_text(field, VI_TEXT("A: ")) &&
        vi_buffer_append_text(field, vi_text_of(value)) && vi_buffer_terminate(field));
  return entry_for(&SHARED, field->data, "Vary: A");
}

static void put(vi_store *store, const char *key) {
  vi_store_put(store, vi_text_of(key), entry_with(""));
}

static bool holds(vi_store *store, const char *key, const vi_stored *entry) {
  vi_stored *entries[VI_STORE_MAX_VARIANTS];
  size_t count = vi_store_get(store, vi_text_of(key), entries);
  bool found = false;
  for (size_t i = 0; i < count; i++) {
    found = found || entries[i] == entry;
    vi_stored_release(entries[i]);
  }
  return found;
}

static unsigned holders(const vi_stored *entry) {
  return atomic_load(&entry->references);
}

IT("has nothing at first") {
  vi_store *store = store_of(10);
  check_int(vi_store_count(store), 0);
  check_int(get(store, "a"), 0);
  vi_store_remove(store, VI_TEXT("a"), NULL);
  vi_store_clear(store);
}

IT("gives back the entry that was put, and holds it meanwhile") {
  vi_store *store = store_of(10);
  vi_stored *entry = entry_with(""), *entries[VI_STORE_MAX_VARIANTS];
  vi_store_put(store, VI_TEXT("a"), entry);
  check_int(holders(entry), 2);
  check_int(vi_store_get(store, VI_TEXT("a"), entries), 1);
  check(entries[0] == entry);
  check_int(holders(entry), 3);
  vi_stored_release(entries[0]);
  check_int(get(store, "A"), 0);
  check_int(get(store, "aa"), 0);
  check_int(get(store, ""), 0);
}

IT("replaces an entry of the same variant") {
  vi_store *store = store_of(10);
  vi_stored *first = variant("1"), *second = variant("1");
  vi_store_put(store, VI_TEXT("a"), first);
  vi_store_put(store, VI_TEXT("a"), second);
  check_int(vi_store_count(store), 1);
  check(holds(store, "a", second) && !holds(store, "a", first));
  check_int(holders(first), 1);
}

IT("keeps an entry that is put again") {
  vi_store *store = store_of(10);
  vi_stored *entry = variant("1");
  vi_store_put(store, VI_TEXT("a"), entry);
  vi_store_put(store, VI_TEXT("a"), entry);
  check_int(vi_store_count(store), 1);
  check_int(holders(entry), 2);
}

IT("keeps variants side by side and gives all of them") {
  vi_store *store = store_of(10);
  vi_stored *one = variant("1"), *two = variant("2"), *none = entry_with("");
  vi_store_put(store, VI_TEXT("a"), one);
  vi_store_put(store, VI_TEXT("a"), two);
  vi_store_put(store, VI_TEXT("a"), none);
  check_int(vi_store_count(store), 3);
  check_int(get(store, "a"), 3);
  check(holds(store, "a", one) && holds(store, "a", two) && holds(store, "a", none));
}

IT("removes one variant, or a key with all of them") {
  vi_store *store = store_of(10);
  vi_stored *one = variant("1"), *two = variant("2"), *stranger = variant("1");
  vi_store_put(store, VI_TEXT("a"), one);
  vi_store_put(store, VI_TEXT("a"), two);
  put(store, "b");
  vi_store_remove(store, VI_TEXT("a"), stranger);
  check_int(get(store, "a"), 2);
  vi_store_remove(store, VI_TEXT("a"), one);
  check(!holds(store, "a", one) && holds(store, "a", two));
  vi_store_put(store, VI_TEXT("a"), one);
  vi_store_remove(store, VI_TEXT("a"), NULL);
  check_int(get(store, "a"), 0);
  check_int(get(store, "b"), 1);
  check_int(vi_store_count(store), 1);
}

IT("discards the least recently used at max_size, and no other") {
  vi_store *store = store_of(3);
  put(store, "a");
  put(store, "b");
  put(store, "c");
  get(store, "a");
  put(store, "d"); /* b has waited longest */
  check_int(vi_store_count(store), 3);
  check_int(get(store, "b"), 0);
  check_int(get(store, "c"), 1);
  check_int(get(store, "d"), 1);
  check_int(get(store, "a"), 1);
  put(store, "e"); /* used since: d, a; so c goes */
  check_int(get(store, "c"), 0);
  check_int(get(store, "a") + get(store, "d") + get(store, "e"), 3);
}

IT("knows the order of use of all its entries, however closely they were used") {
  enum { SIZE = 101, STEP = 37 };
  vi_store *store = store_of(SIZE);
  char key[16];
  size_t wrong = 0;
  for (int i = 0; i < SIZE; i++) {
    snprintf(key, sizeof key, "%d", i);
    put(store, key);
  }
  for (int i = 0; i < SIZE; i++) {
    snprintf(key, sizeof key, "%d", i * STEP % SIZE);
    get(store, key);
  }
  for (int i = 0; i < SIZE / 2; i++) {
    snprintf(key, sizeof key, "new %d", i);
    put(store, key);
  }
  for (int i = 0; i < SIZE; i++) {
    snprintf(key, sizeof key, "%d", i * STEP % SIZE);
    wrong += get(store, key) != (i >= SIZE / 2);
  }
  check_int(wrong, 0);
}

IT("counts the replacing of an entry as a use") {
  vi_store *store = store_of(2);
  put(store, "a");
  put(store, "b");
  put(store, "a");
  put(store, "c");
  check_int(get(store, "a"), 1);
  check_int(get(store, "b"), 0);
}

IT("does not count a look as a use") {
  vi_store *store = store_of(2);
  put(store, "a");
  put(store, "b");
  check_int(peek(store, "a"), 1);
  check_int(peek(store, "x"), 0);
  put(store, "c");
  check_int(get(store, "a"), 0);
  check_int(get(store, "b") + get(store, "c"), 2);
}

IT("does not count a vain search as a use of anything") {
  vi_store *store = store_of(2);
  put(store, "a");
  put(store, "b");
  get(store, "x");
  put(store, "c");
  check_int(get(store, "a"), 0);
  check_int(get(store, "b") + get(store, "c"), 2);
}

IT("counts each variant towards max_size") {
  vi_store *store = store_of(2);
  vi_stored *one = variant("1"), *two = variant("2"), *three = variant("3");
  vi_store_put(store, VI_TEXT("a"), one);
  vi_store_put(store, VI_TEXT("a"), two);
  vi_store_put(store, VI_TEXT("a"), three);
  check_int(vi_store_count(store), 2);
  check(!holds(store, "a", one) && holds(store, "a", two) && holds(store, "a", three));
}

IT("holds one entry at a max_size of one") {
  vi_store *store = store_of(1);
  put(store, "a");
  put(store, "b");
  check_int(vi_store_count(store), 1);
  check_int(get(store, "a"), 0);
  check_int(get(store, "b"), 1);
}

static vi_stored *put_variant(vi_store *store, int number) {
  char value[16];
  snprintf(value, sizeof value, "%d", number);
  vi_stored *entry = variant(value);
  vi_store_put(store, VI_TEXT("key"), entry);
  return entry;
}

IT("bounds the variants of one key and drops the one that was put first") {
  vi_store *store = store_of(0);
  vi_stored *entries[VI_STORE_MAX_VARIANTS + 2];
  for (int i = 0; i < VI_STORE_MAX_VARIANTS + 2; i++)
    entries[i] = put_variant(store, i);
  check_int(vi_store_count(store), VI_STORE_MAX_VARIANTS);
  check_int(get(store, "key"), VI_STORE_MAX_VARIANTS);
  for (int i = 0; i < VI_STORE_MAX_VARIANTS + 2; i++)
    check_int(holds(store, "key", entries[i]), i >= 2);
}

IT("drops the variant that was put first after the table has grown, too") {
  vi_store *store = store_of(0);
  vi_stored *entries[VI_STORE_MAX_VARIANTS + 1];
  for (int i = 0; i < VI_STORE_MAX_VARIANTS; i++)
    entries[i] = put_variant(store, i);
  for (int i = 0; i < 100; i++) {
    char key[16];
    snprintf(key, sizeof key, "other %d", i);
    put(store, key);
  }
  entries[VI_STORE_MAX_VARIANTS] = put_variant(store, VI_STORE_MAX_VARIANTS);
  for (int i = 0; i <= VI_STORE_MAX_VARIANTS; i++)
    check_int(holds(store, "key", entries[i]), i >= 1);
}

IT("forgets everything when cleared, and can be used on") {
  vi_store *store = store_of(10);
  vi_stored *entry = entry_with("");
  vi_store_put(store, VI_TEXT("a"), entry);
  put(store, "b");
  vi_store_clear(store);
  check_int(vi_store_count(store), 0);
  check_int(get(store, "a") + get(store, "b"), 0);
  check_int(holders(entry), 1);
  put(store, "a");
  check_int(get(store, "a"), 1);
}

IT("grows over ten thousand keys and finds each, without a bound") {
  vi_store *store = store_of(0);
  vi_stored *entry = entry_with("");
  char key[32];
  size_t found = 0;
  for (int i = 0; i < 12345; i++) {
    snprintf(key, sizeof key, "http://example.com/%d", i);
    vi_store_put(store, vi_text_of(key), entry);
  }
  check_int(vi_store_count(store), 12345);
  for (int i = 0; i < 12345; i++) {
    snprintf(key, sizeof key, "http://example.com/%d", i);
    found += get(store, key);
  }
  check_int(found, 12345);
  check_int(holders(entry), 12346);
}

IT("keeps exactly the last used of ten thousand keys under a bound") {
  vi_store *store = store_of(1000);
  vi_stored *entry = entry_with("");
  char key[32];
  size_t wrong = 0;
  for (int i = 0; i < 12000; i++) {
    snprintf(key, sizeof key, "%d", i);
    vi_store_put(store, vi_text_of(key), entry);
  }
  check_int(vi_store_count(store), 1000);
  for (int i = 0; i < 12000; i++) {
    snprintf(key, sizeof key, "%d", i);
    wrong += get(store, key) != (i >= 11000);
  }
  check_int(wrong, 0);
}

/* What one entry of a key of one letter takes. */
static size_t bytes_of_one(void) {
  vi_store *store = store_of(0);
  put(store, "a");
  return vi_store_bytes(store);
}

IT("counts the bytes of its entries, with their keys, and those alone") {
  vi_store *store = store_of(0);
  size_t one = bytes_of_one();
  check(one > vi_stored_size(entry_with("")));
  put(store, "a");
  put(store, "a");
  check_int(vi_store_bytes(store), one);
  put(store, "bb");
  check_int(vi_store_bytes(store), 2 * one + 1);
  vi_store_remove(store, VI_TEXT("a"), NULL);
  check_int(vi_store_bytes(store), one + 1);
  vi_store_clear(store);
  check_int(vi_store_bytes(store), 0);
}

IT("discards the least recently used beyond its bytes") {
  size_t one = bytes_of_one();
  vi_store *store = store_within((vi_memory_limits){.max_bytes = 2 * one});
  put(store, "a");
  put(store, "b");
  check_int(get(store, "a"), 1);
  put(store, "c");
  check_int(vi_store_bytes(store), 2 * one);
  check_int(get(store, "b"), 0);
  check_int(get(store, "a") + get(store, "c"), 2);
}

IT("keeps no entry that is too large, and the others") {
  size_t one = bytes_of_one();
  vi_memory_limits limits[] = {{.max_bytes = one}, {.max_entry_bytes = one}};
  for (size_t i = 0; i < 2; i++) {
    vi_store *store = store_within(limits[i]);
    put(store, "a");
    check_int(get(store, "a"), 1);
    vi_stored *large = entry_with(""), *other = variant("x");
    vi_store_put(store, VI_TEXT("bb"), large);
    check_int(get(store, "bb"), 0);
    check_int(holders(large), 1);
    vi_store_put(store, VI_TEXT("a"), other); /* its Vary takes room */
    check_int(holders(other), 1);
    check_int(get(store, "a"), 1);
  }
}

IT("drops none of many variants for another that is too large") {
  vi_store *store = store_within((vi_memory_limits){.max_entry_bytes = 8192});
  for (int i = 0; i < VI_STORE_MAX_VARIANTS; i++)
    put_variant(store, i);
  check_int(vi_store_count(store), VI_STORE_MAX_VARIANTS);
  char large[8192];
  memset(large, 'x', sizeof large);
  large[sizeof large - 1] = '\0';
  vi_store_put(store, VI_TEXT("key"), variant(large));
  check_int(get(store, "key"), VI_STORE_MAX_VARIANTS);
}

IT("lives until its last holder lets go, and then lets go of its entries") {
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){.max_size = 10});
  vi_stored *entry = entry_with("");
  require(store);
  vi_store_put(store, VI_TEXT("a"), entry);
  check(vi_store_retain(store) == store);
  vi_store_release(store);
  check_int(get(store, "a"), 1);
  vi_store_release(store);
  check_int(holders(entry), 1);
  vi_store_release(NULL);
}
