/* The store alone, as the limit of what a cache can do.
 *
 *   store [--seconds S] MODE ENTRIES [THREADS]
 *
 * Modes: hit (a lookup, the clock, a block for the copy), lookup (that alone, by so many threads),
 * lookup-apart (likewise, each in a store of its own: what threads can do that have nothing in
 * common), evict (a put at the limit). It prints one line: how often, the seconds it took, and the
 * cpu seconds of all threads. */
#include "cache/memory_store.h"
#include "message/clock.h"
#include "message/memory.h"

#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BODY = 1024, HEAD = 700, KEY_ROOM = 64, BETWEEN_LOOKS = 1000, MOST_THREADS = 64 };

typedef struct work work;

struct work {
  pthread_t thread;
  vi_store *store;
  char *keys; /* KEY_ROOM bytes each */
  size_t entries, done;
  uint64_t state;
  double seconds, now;
  void (*once)(work *);
  vi_gap gap; /* each thread counts in its own */
};

static void fail(const char *why) {
  fprintf(stderr, "store: %s\n", why);
  exit(1);
}

static void *some(void *pointer) {
  if (!pointer)
    fail("out of memory");
  return pointer;
}

static vi_stored *entry_new(void) {
  static const char bytes[BODY] = "{}";
  vi_headers headers = {0};
  const char *fields[][2] = {{"Content-Type", "application/json"},
                             {"Cache-Control", "public, max-age=86400"},
                             {"ETag", "\"5f3a-1b2c3d4e5f\""}};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    vi_headers_add(&headers, vi_text_of(fields[i][0]), vi_text_of(fields[i][1]));
  vi_response *response =
      some(vi_response_make(VI_TEXT("http://example.com/things/1?page=1"), VI_TEXT("OK"),
                            VI_TEXT(""), &headers, some(vi_body_new((vi_text){bytes, BODY}))));
  vi_headers_free(&headers);
  vi_error error;
  vi_request *request = some(
      vi_request_new(VI_TEXT("GET"), VI_TEXT("http://example.com/"), VI_TEXT(""), NULL, &error));
  const vi_policy policy = {.shared = true};
  vi_freshness freshness = vi_freshness_of(&policy, response, 1, 1);
  vi_stored *entry = some(vi_stored_new(&policy, request, response, &freshness, NULL));
  vi_request_release(request);
  vi_response_release(response);
  return entry;
}

static vi_text any_key(work *of) {
  of->state ^= of->state << 13;
  of->state ^= of->state >> 7;
  of->state ^= of->state << 17;
  return vi_text_of(of->keys + of->state % of->entries * KEY_ROOM);
}

static void lookup(work *of) {
  vi_stored *found[VI_STORE_MAX_VARIANTS];
  if (vi_store_get(of->store, any_key(of), found) != 1)
    fail("an entry is missing");
  vi_store_note(of->store, VI_STORE_HITS);
  vi_stored_release(found[0]);
}

static void hit(work *of) {
  lookup(of);
  of->now = vi_clock_wall();
  char *copy = some(vi_malloc(HEAD));
  *(volatile char *)copy = 1;
  vi_free(copy);
}

static void evict(work *of) {
  char key[KEY_ROOM];
  snprintf(key, sizeof key, "http://example.com/things/%zu?page=2", of->done);
  vi_stored *entry = entry_new();
  vi_store_put(of->store, vi_text_of(key), entry);
  vi_stored_release(entry);
}

static void *work_on(void *argument) {
  work *of = argument;
  int64_t end = vi_clock_monotonic() + (int64_t)(of->seconds * 1e9);
  do {
    for (int i = 0; i < BETWEEN_LOOKS; i++, of->done++)
      of->once(of);
  } while (vi_clock_monotonic() < end);
  return NULL;
}

static char *fill(vi_store *store, size_t entries) {
  char *keys = some(malloc(entries * KEY_ROOM));
  for (size_t i = 0; i < entries; i++) {
    snprintf(keys + i * KEY_ROOM, KEY_ROOM, "http://example.com/things/%zu?page=1", i);
    vi_stored *entry = entry_new();
    vi_store_put(store, vi_text_of(keys + i * KEY_ROOM), entry);
    vi_stored_release(entry);
  }
  return keys;
}

static void give_store(work *of, const vi_memory_limits *limits) {
  of->store = some(vi_memory_store_new(limits));
  of->keys = fill(of->store, of->entries);
}

static void measure(work works[], size_t threads) {
  size_t done = 0;
  int64_t start = vi_clock_monotonic();
  clock_t cpu = clock();
  for (size_t i = 0; i < threads; i++) {
    works[i].state = 0x9e3779b97f4a7c15 * (i + 1);
    if (pthread_create(&works[i].thread, NULL, work_on, &works[i]) != 0)
      fail("no thread");
  }
  for (size_t i = 0; i < threads; i++) {
    pthread_join(works[i].thread, NULL);
    done += works[i].done;
  }
  printf("requests=%zu seconds=%.6f cpu=%.6f\n", done,
         (double)(vi_clock_monotonic() - start) * 1e-9, (double)(clock() - cpu) / CLOCKS_PER_SEC);
}

typedef struct mode {
  const char *name;
  void (*once)(work *);
  bool apart;
} mode;

static const mode *find_mode(const char *name) {
  static const mode modes[] = {{"hit", hit, false},
                               {"lookup", lookup, false},
                               {"lookup-apart", lookup, true},
                               {"evict", evict, false}};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (strcmp(modes[i].name, name) == 0)
      return &modes[i];
  fail("no such mode");
  return NULL;
}

int main(int count, char **arguments) {
  static const struct option options[] = {{"seconds", required_argument, NULL, 's'}, {0}};
  work works[MOST_THREADS] = {{.seconds = 1}};
  while (getopt_long(count, arguments, "", options, NULL) == 's')
    works->seconds = strtod(optarg, NULL);
  if (count - optind < 2)
    fail("usage: store [--seconds S] hit|lookup|lookup-apart|evict ENTRIES [THREADS]");
  const mode *asked = find_mode(arguments[optind]);
  works->once = asked->once;
  works->entries = strtoul(arguments[optind + 1], NULL, 10);
  size_t threads = count - optind > 2 ? strtoul(arguments[optind + 2], NULL, 10) : 1;
  if (works->entries == 0 || threads == 0 || threads > MOST_THREADS)
    fail("no entries, or no threads, or too many");
  vi_memory_limits limits = {.max_size = works->once == evict ? works->entries : 0};
  give_store(works, &limits);
  for (size_t i = 1; i < threads; i++) {
    works[i] = *works;
    if (asked->apart)
      give_store(&works[i], &limits);
  }
  measure(works, threads);
  for (size_t i = 0; i < threads; i++)
    if (i == 0 || asked->apart) {
      vi_store_release(works[i].store);
      free(works[i].keys);
    }
}
