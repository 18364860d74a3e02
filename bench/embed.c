/* The library from C, as bench/embed.lua measures it.
 *
 *   embed [--seconds S] CHAIN URL     sends GETs through the chain, a Lua text
 *   embed [--seconds S] open          opens runtimes and closes them
 *
 * Prints one line: how many, the seconds they took, the cpu seconds of the program, and the bytes
 * of Lua's memory that a runtime holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <viesti.h>

enum { WARM_UP = 20, BETWEEN_LOOKS = 20 };

static void fail(const char *why) {
  fprintf(stderr, "embed: %s\n", why);
  exit(1);
}

static double read_clock(clockid_t which) {
  struct timespec now;
  clock_gettime(which, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *allocate(void *context, void *block, size_t before, size_t size) {
  *(size_t *)context += size - before;
  if (size > 0)
    return realloc(block, size);
  free(block);
  return NULL;
}

static viesti *open_runtime(size_t *bytes) {
  viesti_options options = {
      .size = sizeof options, .allocate = bytes ? allocate : NULL, .allocate_context = bytes};
  viesti *relay;
  if (viesti_open(&relay, &options) != VIESTI_OK)
    fail(viesti_last_error(relay));
  return relay;
}

static void get(viesti *relay, const char *url) {
  viesti_request request = {.size = sizeof request, .url = url};
  viesti_response *response;
  if (viesti_send(relay, &request, &response) != VIESTI_OK)
    fail(viesti_last_error(relay));
  if (viesti_response_status_code(response) != 200 || viesti_response_body(response).length == 0 ||
      !viesti_response_header(response, "Content-Type").data)
    fail("not the expected response");
  viesti_response_release(response);
}

static void once(viesti *relay, const char *url) {
  if (relay)
    get(relay, url);
  else
    viesti_close(open_runtime(NULL));
}

static void run(viesti *relay, const char *url, double seconds, int between_looks) {
  long done = 0;
  double started = read_clock(CLOCK_MONOTONIC), cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID), now;
  size_t bytes = 0;
  do {
    for (int i = 0; i < between_looks; i++, done++)
      once(relay, url);
    now = read_clock(CLOCK_MONOTONIC);
  } while (now - started < seconds);
  cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  viesti *another = open_runtime(&bytes);
  printf("requests=%ld seconds=%.6f cpu=%.6f bytes=%zu\n", done, now - started, cpu, bytes);
  viesti_close(another);
}

int main(int argc, char **argv) {
  double seconds = 1;
  int at = 1;
  if (argc > 2 && strcmp(argv[1], "--seconds") == 0) {
    seconds = atof(argv[2]);
    at = 3;
  }
  if (at + 1 == argc && strcmp(argv[at], "open") == 0) {
    run(NULL, NULL, seconds, 1);
    return 0;
  }
  if (at + 2 != argc)
    fail("usage: embed [--seconds S] (CHAIN URL | open)");
  viesti *relay = open_runtime(NULL);
  if (viesti_load(relay, argv[at], "=chain") != VIESTI_OK)
    fail(viesti_last_error(relay));
  for (int i = 0; i < WARM_UP; i++)
    get(relay, argv[at + 1]);
  run(relay, argv[at + 1], seconds, BETWEEN_LOOKS);
  viesti_close(relay);
  return 0;
}
