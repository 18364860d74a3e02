/* cache/memory_store: used by several threads at once. Also run under the thread sanitizer: make
 * check-tsan. */
#include "cache/memory_store.h"

#include "messages.h"
#include "tap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 8, ROUNDS = 4000, KEYS = 200, VARIANTS = 4, MEBIBYTE = 1024 * 1024 };

static const char *const VALUES[VARIANTS] = {"1", "2", "3", "4"};

typedef struct worker {
  pthread_t thread;
  vi_store *store;
  vi_stored *const *entries; /* one of each variant */
  size_t max_count, max_bytes, body_length;
  unsigned state;
  size_t puts, notes, broken;
} worker;

static unsigned pick(worker *self, unsigned below) {
  self->state = self->state * 1103515245 + 12345;
  return (self->state >> 16) % below;
}

static void look(worker *self, vi_text key) {
  vi_stored *found[VI_STORE_MAX_VARIANTS];
  size_t count = vi_store_get(self->store, key, found);
  self->broken += count > VARIANTS;
  for (size_t i = 0; i < count; i++) {
    self->broken += vi_stored_body(found[i]).length != self->body_length;
    vi_stored_release(found[i]);
  }
  vi_store_note(self->store, count > 0 ? VI_STORE_HITS : VI_STORE_MISSES);
  self->notes++;
}

static void take_stock(worker *self) {
  size_t counts[VI_STORE_EVENTS];
  vi_store_counts(self->store, counts);
  self->broken += counts[VI_STORE_HITS] + counts[VI_STORE_MISSES] < self->notes;
  self->broken += vi_store_count(self->store) > self->max_count;
  self->broken += vi_store_bytes(self->store) > self->max_bytes;
}

static void *hammer(void *argument) {
  worker *self = argument;
  for (int i = 0; i < ROUNDS; i++) {
    char name[16];
    snprintf(name, sizeof name, "key %u", pick(self, KEYS));
    vi_text key = vi_text_of(name);
    vi_stored *entry = self->entries[pick(self, VARIANTS)];
    switch (pick(self, 8)) {
    case 0:
      vi_store_remove(self->store, key, pick(self, 2) ? entry : NULL);
      break;
    case 1:
    case 2:
    case 3:
      vi_store_put(self->store, key, entry);
      self->puts++;
      break;
    case 4:
      if (pick(self, 100) == 0)
        vi_store_clear(self->store);
      take_stock(self);
      break;
    default:
      look(self, key);
    }
  }
  return NULL;
}

/* An entry with a body of so many bytes, which are not looked at. */
static vi_stored *new_entry(const char *value, size_t bytes) {
  vi_request *request = request_with("GET", "");
  check(vi_headers_add(&request->headers, VI_TEXT("A"), vi_text_of(value)) == VI_HEADERS_OK);
  vi_response *response = response_with(200, "Vary: A", "content");
  check(vi_buffer_reserve_exactly(&response->body->bytes, bytes));
  if (bytes > VI_STORED_WITHIN)
    response->body->bytes.length = bytes;
  vi_stored *entry = stored_of(request, response, 1000, true);
  if (!entry)
    abort();
  return entry;
}

/* Of entries of `bytes`, no more than so many may be there at any time. */
static void have_many_use(vi_memory_limits limits, size_t bytes, size_t max_count,
                          size_t max_bytes) {
  vi_store *store = vi_memory_store_new(&limits);
  vi_stored *entries[VARIANTS];
  worker workers[THREADS];
  size_t puts = 0, notes = 0, counts[VI_STORE_EVENTS];
  require(store);
  for (size_t i = 0; i < VARIANTS; i++)
    entries[i] = new_entry(VALUES[i], bytes);
  for (unsigned i = 0; i < THREADS; i++) {
    workers[i] = (worker){.store = store,
                          .entries = entries,
                          .state = i,
                          .max_count = max_count,
                          .max_bytes = max_bytes,
                          .body_length = vi_stored_body(entries[0]).length};
    require(pthread_create(&workers[i].thread, NULL, hammer, &workers[i]) == 0);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    check_int(workers[i].broken, 0);
    puts += workers[i].puts;
    notes += workers[i].notes;
  }
  vi_store_counts(store, counts);
  check_int(counts[VI_STORE_STORES], puts);
  check_int(counts[VI_STORE_HITS] + counts[VI_STORE_MISSES], notes);
  check_int(counts[VI_STORE_EVICTIONS] > 0, limits.max_size || limits.max_bytes);
  check(limits.max_size == 0 || vi_store_count(store) <= limits.max_size);
  check(limits.max_bytes == 0 || vi_store_bytes(store) <= limits.max_bytes);
  vi_store_release(store);
  for (size_t i = 0; i < VARIANTS; i++) {
    check_int(atomic_load(&entries[i]->references), 1);
    vi_stored_release(entries[i]);
  }
}

IT("stays whole and within its limits while several threads use it at once") {
  have_many_use((vi_memory_limits){.max_size = 50}, 0, 50, SIZE_MAX);
}

IT("stays whole without limits, too") {
  have_many_use((vi_memory_limits){0}, 0, KEYS * VARIANTS, SIZE_MAX);
}

IT("stays within the limits of a large one but for what is being put") {
  size_t bytes = 4 * MEBIBYTE, limit = 256 * MEBIBYTE;
  have_many_use((vi_memory_limits){.max_bytes = limit}, bytes, 64 + THREADS,
                limit + THREADS * (bytes + 4096));
}

typedef struct grower {
  pthread_t thread;
  vi_store *store;
  vi_stored *entry;
  unsigned number;
} grower;

static void *add_keys(void *argument) {
  grower *self = argument;
  for (int i = 0; i < ROUNDS; i++) {
    char name[32];
    snprintf(name, sizeof name, "key %d of %u", i, self->number);
    vi_store_put(self->store, vi_text_of(name), self->entry);
  }
  return NULL;
}

IT("loses nothing while it grows under several threads at once") {
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){.max_size = THREADS * ROUNDS});
  vi_stored *entry = new_entry("1", 0);
  grower growers[THREADS];
  size_t found = 0;
  require(store);
  for (unsigned i = 0; i < THREADS; i++) {
    growers[i] = (grower){.store = store, .entry = entry, .number = i};
    require(pthread_create(&growers[i].thread, NULL, add_keys, &growers[i]) == 0);
  }
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(growers[i].thread, NULL);
  for (unsigned number = 0; number < THREADS; number++)
    for (int i = 0; i < ROUNDS; i++) {
      vi_stored *entries[VI_STORE_MAX_VARIANTS];
      char name[32];
      snprintf(name, sizeof name, "key %d of %u", i, number);
      size_t count = vi_store_get(store, vi_text_of(name), entries);
      for (size_t j = 0; j < count; j++)
        vi_stored_release(entries[j]);
      found += count;
    }
  check_int(found, THREADS * ROUNDS);
  vi_store_release(store);
  check_int(atomic_load(&entry->references), 1);
  vi_stored_release(entry);
}

static void *hold_and_let_go(void *store) {
  for (int i = 0; i < ROUNDS; i++)
    vi_store_release(vi_store_retain(store));
  vi_store_release(store);
  return NULL;
}

IT("is destroyed once, by whichever thread is its last holder") {
  pthread_t threads[THREADS];
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){.max_size = 50});
  vi_stored *entry = new_entry("1", 0);
  require(store);
  vi_store_put(store, VI_TEXT("key"), entry);
  for (size_t i = 0; i < THREADS; i++)
    require(pthread_create(&threads[i], NULL, hold_and_let_go, vi_store_retain(store)) == 0);
  vi_store_release(store);
  for (size_t i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  check_int(atomic_load(&entry->references), 1);
  vi_stored_release(entry);
}
