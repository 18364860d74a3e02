/* cache/memory_store: used by several threads at once. */
#include "cache/memory_store.h"

#include "messages.h"
#include "tap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 4000, KEYS = 200, MAX_SIZE = 50, VARIANTS = 4 };

static const char *const VALUES[VARIANTS] = {"1", "2", "3", "4"};

typedef struct worker {
  pthread_t thread;
  vi_store *store;
  vi_stored *const *entries; /* one of each variant */
  unsigned state;
  size_t broken;
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
    self->broken += found[i]->body->bytes.length != 7;
    vi_stored_release(found[i]);
  }
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
      break;
    case 4:
      if (pick(self, 100) == 0)
        vi_store_clear(self->store);
      self->broken += vi_store_count(self->store) > MAX_SIZE;
      break;
    default:
      look(self, key);
    }
  }
  return NULL;
}

static vi_stored *new_entry(const char *value) {
  vi_request *request = request_with("GET", "");
  check(vi_headers_add(&request->headers, VI_TEXT("A"), vi_text_of(value)) == VI_HEADERS_OK);
  vi_stored *entry = stored_of(request, response_with(200, "Vary: A", "content"), 1000, true);
  if (!entry)
    abort();
  return entry;
}

IT("stays whole while several threads use it at once") {
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){.max_size = MAX_SIZE});
  vi_stored *entries[VARIANTS];
  worker workers[THREADS];
  require(store);
  for (size_t i = 0; i < VARIANTS; i++)
    entries[i] = new_entry(VALUES[i]);
  for (unsigned i = 0; i < THREADS; i++) {
    workers[i] = (worker){.store = store, .entries = entries, .state = i};
    require(pthread_create(&workers[i].thread, NULL, hammer, &workers[i]) == 0);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    check_int(workers[i].broken, 0);
  }
  check(vi_store_count(store) <= MAX_SIZE);
  vi_store_release(store);
  for (size_t i = 0; i < VARIANTS; i++) {
    check_int(atomic_load(&entries[i]->references), 1);
    vi_stored_release(entries[i]);
  }
}

static void *hold_and_let_go(void *store) {
  for (int i = 0; i < ROUNDS; i++)
    vi_store_release(vi_store_retain(store));
  vi_store_release(store);
  return NULL;
}

IT("is destroyed once, by whichever thread is its last holder") {
  pthread_t threads[THREADS];
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){.max_size = MAX_SIZE});
  vi_stored *entry = new_entry("1");
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
