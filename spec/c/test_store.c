/* cache/store: what every kind of store counts. */
#include "cache/store.h"

#include "entries.h"
#include "message/memory.h"
#include "stores.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

static void put(vi_store *store, const char *key, const char *language) {
  char line[32];
  snprintf(line, sizeof line, "Language: %s", language);
  vi_store_put(store, vi_text_of(key), entry_for(&SHARED, line, "Vary: Language"));
}

IT("has counted nothing at first") {
  vi_store *store = store_within((vi_memory_limits){0});
  for (vi_store_event event = 0; event < VI_STORE_EVENTS; event++)
    check_int(count_of(store, event), 0);
}

IT("counts each event for itself") {
  vi_store *store = store_within((vi_memory_limits){0});
  for (vi_store_event event = 0; event < VI_STORE_EVENTS; event++)
    for (unsigned i = 0; i <= event; i++)
      vi_store_note(store, event);
  for (vi_store_event event = 0; event < VI_STORE_EVENTS; event++)
    check_int(count_of(store, event), event + 1);
}

IT("counts what it keeps, also in the place of another, and what has to make way") {
  vi_store *store = store_within((vi_memory_limits){.max_size = 2});
  put(store, "a", "fi");
  put(store, "a", "fi");
  put(store, "b", "fi");
  check_int(count_of(store, VI_STORE_STORES), 3);
  check_int(count_of(store, VI_STORE_EVICTIONS), 0);
  put(store, "c", "fi");
  check_int(count_of(store, VI_STORE_STORES), 4);
  check_int(count_of(store, VI_STORE_EVICTIONS), 1);
}

IT("counts a variant that had to go as too many") {
  vi_store *store = store_within((vi_memory_limits){0});
  for (int i = 0; i < VI_STORE_MAX_VARIANTS + 2; i++) {
    char language[16];
    snprintf(language, sizeof language, "l%d", i);
    put(store, "a", language);
  }
  check_int(count_of(store, VI_STORE_EVICTIONS), 2);
}

IT("does not count as kept what is too large") {
  vi_store *store = store_within((vi_memory_limits){.max_entry_bytes = 1});
  put(store, "a", "fi");
  check_int(count_of(store, VI_STORE_STORES), 0);
}

IT("does not count as made way what was removed or cleared") {
  vi_store *store = store_within((vi_memory_limits){.max_size = 2});
  put(store, "a", "fi");
  vi_store_remove(store, VI_TEXT("a"), NULL);
  put(store, "b", "fi");
  vi_store_clear(store);
  check_int(count_of(store, VI_STORE_EVICTIONS), 0);
  check_int(count_of(store, VI_STORE_STORES), 2);
}

static void *refuse(void *context, void *block, size_t size) {
  (void)context;
  if (size == 0)
    free(block);
  return NULL;
}

IT("counts what it has no memory for") {
  vi_store *store = store_within((vi_memory_limits){0});
  vi_stored *entry = entry_with("");
  vi_memory_set_allocator(refuse, NULL);
  vi_store_put(store, VI_TEXT("a"), entry);
  vi_memory_set_allocator(NULL, NULL);
  check_int(count_of(store, VI_STORE_ERRORS), 1);
  check_int(count_of(store, VI_STORE_STORES), 0);
  check_int(vi_store_count(store), 0);
}

static void put_tagged(vi_store *store, const char *key, const char *tags) {
  const vi_choices choices = {.ttl = 60, .tags = vi_text_of(tags)};
  vi_response *response = response_with(200, "", "");
  vi_freshness freshness = vi_freshness_of(&SHARED, response, NOW, NOW);
  vi_stored *entry =
      vi_stored_new(&SHARED, request_with("GET", ""), response, &freshness, &choices);
  require(entry);
  vi_store_put(store, vi_text_of(key), entry);
  vi_stored_release(entry);
}

IT("purges what has a tag, whole and not a part of one") {
  vi_store *store = store_within((vi_memory_limits){0});
  put_tagged(store, "a", "\x03one\x03two");
  put_tagged(store, "b", "\x03two");
  put_tagged(store, "c", "\x06onetwo");
  put_tagged(store, "d", "");
  check_int(vi_store_purge(store, VI_PURGE_TAG, VI_TEXT("one")), 1);
  check_int(vi_store_purge(store, VI_PURGE_TAG, VI_TEXT("two")), 1);
  check_int(vi_store_purge(store, VI_PURGE_TAG, VI_TEXT("")), 0);
  check_int(vi_store_count(store), 2);
}

IT("purges what lies below a URL, in every partition") {
  vi_store *store = store_within((vi_memory_limits){0});
  const char *keys[] = {"https://a/x",
                        "https://a/x/y",
                        "ann\nhttps://a/x?q",
                        "https://a/",
                        "https://a/y\nhttps://a/x",
                        "https://b/x"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    put_tagged(store, keys[i], "");
  check_int(vi_store_purge(store, VI_PURGE_PREFIX, VI_TEXT("https://a/x")), 4);
  check_int(vi_store_count(store), 2);
}

IT("tells of an invalidation and a purge those who asked before") {
  vi_store *store = store_within((vi_memory_limits){0});
  unsigned before = vi_store_generation(store, VI_TEXT("a"));
  vi_store_remove(store, VI_TEXT("a"), NULL);
  check(vi_store_generation(store, VI_TEXT("a")) == before);
  vi_store_invalidate(store, VI_TEXT("a"));
  check(vi_store_generation(store, VI_TEXT("a")) != before);
  before = vi_store_generation(store, VI_TEXT("b"));
  vi_store_purge(store, VI_PURGE_TAG, VI_TEXT("x"));
  check(vi_store_generation(store, VI_TEXT("b")) != before);
}
