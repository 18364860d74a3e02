/* Eight threads that send the same GETs, each through a runtime of its own, all over one store:
 * threads URL... Prints how many responses there were, and how many came out of the store. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <viesti.h>

enum { THREADS = 8, ROUNDS = 10 };

static const char CHAIN[] = "return chain {"
                            "  CachingSender { store = store },"
                            "  SyncSender { timeout = 10 },"
                            "}";

typedef struct work {
  viesti_store *store;
  char **urls;
  atomic_int responses, from_store;
} work;

static void send_all(work *work, viesti *relay) {
  for (int i = 0; work->urls[i]; i++) {
    viesti_request request = {.size = sizeof request, .url = work->urls[i]};
    viesti_response *response;
    if (viesti_send(relay, &request, &response) != VIESTI_OK) {
      fprintf(stderr, "%s\n", viesti_last_error(relay));
      continue;
    }
    work->responses++;
    work->from_store += viesti_response_from_cache(response);
    viesti_response_release(response);
  }
}

static void *run(void *context) {
  work *work = context;
  viesti_options options = {.size = sizeof options, .store = work->store};
  viesti *relay;
  if (viesti_open(&relay, &options) == VIESTI_OK &&
      viesti_load(relay, CHAIN, "=chain") == VIESTI_OK)
    for (int round = 0; round < ROUNDS; round++)
      send_all(work, relay);
  else
    fprintf(stderr, "%s\n", viesti_last_error(relay));
  viesti_close(relay);
  return NULL;
}

int main(int argc, char **argv) {
  viesti_store_options options = {.size = sizeof options, .max_size = 1000};
  work work = {.urls = argv + 1};
  pthread_t threads[THREADS];
  int started = 0;
  if (argc < 2 || viesti_store_open(&work.store, &options) != VIESTI_OK) {
    fprintf(stderr, "usage: threads URL...\n");
    return 2;
  }
  while (started < THREADS && pthread_create(&threads[started], NULL, run, &work) == 0)
    started++;
  for (int i = 0; i < started; i++)
    pthread_join(threads[i], NULL);
  printf("%d responses, %d of them out of the store, which holds %zu\n", work.responses,
         work.from_store, viesti_store_count(work.store));
  viesti_store_release(work.store);
  return 0;
}
