/* viesti.h from many threads: a runtime each, one store for all. Also run under the thread
 * sanitizer: make check-tsan. */
#include "host.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS = 8, PAGES = 20, ROUNDS = 3 };

typedef struct visitor {
  viesti_store *store;
  const char *url;
  int answered, called;
  pthread_t thread;
} visitor;

static void note(void *context, const viesti_outcome *outcome) {
  visitor *self = context;
  self->called++;
  self->answered += outcome->status == VIESTI_OK;
}

static void visit(visitor *self, viesti *runtime, int page) {
  char url[100];
  snprintf(url, sizeof url, "%s%d", self->url, page);
  viesti_request request = {.size = sizeof request, .url = url};
  if (page % 2 == 0)
    self->answered += host_send(runtime, url) == 200;
  else
    viesti_submit(runtime, &request, note, self, NULL);
}

static void *run(void *context) {
  visitor *self = context;
  viesti_options options = {
      .size = sizeof options, .store = self->store, .linger_ms = -1, .memory_limit = 64 << 20};
  viesti *runtime;
  if (viesti_open(&runtime, &options) == VIESTI_OK &&
      viesti_load(runtime,
                  "return chain { CachingSender { store = store }, AsyncSender { timeout = 20 } }",
                  NULL) == VIESTI_OK)
    for (int i = 0; i < ROUNDS * PAGES; i++)
      visit(self, runtime, i % PAGES);
  viesti_close(runtime);
  return NULL;
}

IT("shares one store among the runtimes of eight threads") {
  viesti_store_options options = {.size = sizeof options, .max_size = 100};
  origin *server = host_serve_hello();
  viesti_store *store = NULL;
  visitor visitors[THREADS];
  require(server && viesti_store_open(&store, &options) == VIESTI_OK);
  const char *url = host_url(server); /* which writes it anew each time */
  for (int i = 0; i < THREADS; i++) {
    visitors[i] = (visitor){.store = store, .url = url};
    check(pthread_create(&visitors[i].thread, NULL, run, &visitors[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(visitors[i].thread, NULL);
    check_int(visitors[i].answered, ROUNDS * PAGES);
    check_int(visitors[i].called, ROUNDS * PAGES / 2);
  }
  check_int(viesti_store_count(store), PAGES);
  check(origin_requests(server) <= THREADS * PAGES);
  viesti_store_release(store);
}

typedef struct waker {
  viesti *runtime;
  atomic_bool over;
} waker;

static void *wake(void *context) {
  waker *self = context;
  while (!atomic_load(&self->over)) {
    viesti_wakeup(self->runtime);
    usleep(100);
  }
  return NULL;
}

IT("is woken by another thread while it waits or works") {
  origin *server = host_serve_hello();
  waker self = {.runtime = host_open("return AsyncSender { timeout = 20 }")};
  pthread_t thread;
  told about = {0};
  require(server && self.runtime && pthread_create(&thread, NULL, wake, &self) == 0);
  for (int i = 0; i < 50; i++)
    check_int(viesti_step(self.runtime, -1), VIESTI_OK);
  for (int i = 0; i < 20; i++)
    check_int(host_send(self.runtime, host_url(server)), 200);
  host_get(self.runtime, host_url(server), &about);
  while (about.times == 0)
    viesti_step(self.runtime, -1);
  atomic_store(&self.over, true);
  pthread_join(thread, NULL);
}

static void *read_and_release(void *response) {
  bool whole = viesti_response_body(response).length == 5;
  viesti_response_release(response);
  return whole ? response : NULL;
}

IT("has responses that other threads read and release after it is closed") {
  origin *server = host_serve_hello();
  viesti *runtime = NULL;
  viesti_response *response = NULL;
  pthread_t threads[4];
  viesti_options options = {.size = sizeof options, .memory_limit = 8 << 20};
  require(server && viesti_open(&runtime, &options) == VIESTI_OK);
  viesti_load(runtime, "return SyncSender {}", NULL);
  viesti_request request = {.size = sizeof request, .url = host_url(server)};
  check_int(viesti_send(runtime, &request, &response), VIESTI_OK);
  viesti_close(runtime);
  require(response);
  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], NULL, read_and_release, viesti_response_retain(response));
  viesti_response_release(response);
  for (int i = 0; i < 4; i++) {
    void *whole;
    pthread_join(threads[i], &whole);
    check(whole);
  }
}
