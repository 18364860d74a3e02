/* A C program that is soaked: requests through viesti.h, many at once and now and then one that
 * blocks.
 *
 *   host --requests N --every N --entries N --at-once N CHAIN SCRIPT
 *
 * CHAIN is the text of a chain file; SCRIPT a file with a line for each request of a cycle:
 *
 *   METHOD URL DISTINCT VARIANTS MILLISECONDS CANCEL LABEL
 *
 * The request's number follows the URL, modulo DISTINCT where that is not 0; VARIANTS likewise is
 * for X-Variant; MILLISECONDS is its timeout, 0: the chain's; CANCEL is 1 where it is cancelled.
 * Prints what line.lua says. */
#include <dirent.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <viesti.h>

enum {
  MOST_LINES = 20000,
  MOST_AT_ONCE = 512,
  MOST_OUTCOMES = 40,
  MOST_CASES = 100,
  NAME = 24,
  LABEL = 48,
  BLOCKING = 100 /* one in so many is sent by viesti_send */
};

typedef struct script_line {
  char method[8], url[128];
  unsigned long distinct, variants;
  int timeout, cancel, label;
} script_line;

typedef struct slot {
  viesti_ticket ticket;
  const script_line *line;
  bool open, cancel;
} slot;

typedef struct tally {
  char name[NAME];
  unsigned long by_case[MOST_CASES];
} tally;

static viesti *relay;
static viesti_store *store;
static script_line lines[MOST_LINES];
static size_t line_count;
static char labels[MOST_CASES][LABEL];
static int label_count;
static tally outcomes[MOST_OUTCOMES];
static slot slots[MOST_AT_ONCE];
static unsigned long begun, done, cached, repeated, requests = 1000, every = 1000, entries = 1000,
                                                    at_once = 64;
static size_t lua_bytes;
static double started;

static void fail(const char *why) {
  fprintf(stderr, "host: %s\n", why);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void *allocate(void *context, void *block, size_t before, size_t size) {
  *(size_t *)context += size - (block ? before : 0);
  if (size > 0)
    return realloc(block, size);
  free(block);
  return NULL;
}

/* ---- What this process holds ---- */

static long status_of(const char *name) {
  char text[256];
  long value = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(text, sizeof text, file))
    if (strncmp(text, name, strlen(name)) == 0)
      value = strtol(text + strlen(name), NULL, 10);
  if (file)
    fclose(file);
  return value;
}

static int count_descriptors(void) {
  int count = -3; /* the two dots, and that of the folder itself */
  DIR *folder = opendir("/proc/self/fd");
  while (folder && readdir(folder))
    count++;
  if (folder)
    closedir(folder);
  return count;
}

/* ---- What became of requests ---- */

static tally *outcome_of(const char *name) {
  int i = 0;
  while (i < MOST_OUTCOMES - 1 && outcomes[i].name[0] && strcmp(outcomes[i].name, name) != 0)
    i++;
  snprintf(outcomes[i].name, NAME, "%s", name);
  return &outcomes[i];
}

/* What is garbage is none of what it holds. */
static void report(void) {
  lua_gc(viesti_lua(relay), LUA_GCCOLLECT);
  printf("report requests=%lu seconds=%.1f cached=%lu resident=%ld lua=%zu descriptors=%d "
         "threads=%ld entries=%zu bytes=%zu",
         done, now() - started, cached, status_of("VmRSS:"), lua_bytes / 1024, count_descriptors(),
         status_of("Threads:"), viesti_store_count(store), viesti_store_bytes(store));
  for (int i = 0; i < MOST_OUTCOMES && outcomes[i].name[0]; i++) {
    unsigned long sum = 0;
    for (int j = 0; j < MOST_CASES; j++)
      sum += outcomes[i].by_case[j];
    printf(" %s=%lu", outcomes[i].name, sum);
  }
  printf("\n");
  fflush(stdout);
}

static void note(const script_line *line, viesti_status how, const viesti_response *response,
                 const char *kind) {
  char name[NAME];
  if (response)
    snprintf(name, sizeof name, "%d", viesti_response_status_code(response));
  else
    snprintf(name, sizeof name, "%s", kind[0] ? kind : "raised");
  if ((how == VIESTI_OK) != (response != NULL))
    repeated++;
  cached += response && viesti_response_from_cache(response);
  outcome_of(name)->by_case[line->label]++;
  if (++done % every == 0)
    report();
}

/* ---- Sending ---- */

static viesti_request request_of(const script_line *line, unsigned long number, char *url,
                                 size_t room, viesti_header *variant, char *value) {
  viesti_request request = {.size = sizeof request, .method = line->method, .url = url};
  snprintf(url, room, "%s%lu", line->url, line->distinct ? number % line->distinct : number);
  if (line->variants) {
    sprintf(value, "%lu", number % line->variants);
    *variant = (viesti_header){"X-Variant", value};
    request.headers = variant;
    request.header_count = 1;
  }
  if (strcmp(line->method, "POST") == 0) {
    request.body = "once";
    request.body_length = 4;
  }
  request.timeout = line->timeout / 1000.0;
  return request;
}

static void begin(slot *self);

static void on_outcome(void *context, const viesti_outcome *outcome) {
  slot *self = context;
  if (!self->open)
    repeated++;
  self->open = false;
  note(self->line, outcome->status, outcome->response, outcome->kind);
  begin(self);
}

static void begin(slot *self) {
  char url[200], value[24];
  viesti_header variant;
  if (begun == requests)
    return;
  unsigned long number = ++begun;
  self->line = &lines[number % line_count];
  self->cancel = self->line->cancel;
  self->open = true;
  viesti_request request = request_of(self->line, number, url, sizeof url, &variant, value);
  if (viesti_submit(relay, &request, on_outcome, self, &self->ticket) != VIESTI_OK)
    fail(viesti_last_error(relay));
}

/* As often as not a request that is cancelled has not begun yet. */
static void cancel_some(void) {
  for (size_t i = 0; i < at_once; i++)
    if (slots[i].open && slots[i].cancel) {
      slots[i].cancel = false;
      viesti_cancel(relay, slots[i].ticket);
    }
}

static void send_one(void) {
  char url[200], value[24];
  viesti_header variant;
  viesti_response *response;
  unsigned long number = ++begun;
  const script_line *line = &lines[number % line_count];
  viesti_request request = request_of(line, number, url, sizeof url, &variant, value);
  viesti_status how = viesti_send(relay, &request, &response);
  note(line, how, response, viesti_last_error_kind(relay));
  viesti_response_release(response);
}

static void run(void) {
  unsigned long next = BLOCKING;
  for (size_t i = 0; i < at_once; i++)
    begin(&slots[i]);
  while (viesti_pending(relay) > 0) {
    if (viesti_step(relay, 100) != VIESTI_OK)
      fail(viesti_last_error(relay));
    cancel_some();
    if (begun >= next && begun < requests) {
      next = begun + BLOCKING;
      send_one();
    }
  }
}

/* ---- The script ---- */

static int label_of(const char *text) {
  int i = 0;
  while (i < label_count && strcmp(labels[i], text) != 0)
    i++;
  if (i == MOST_CASES)
    fail("too many cases");
  if (i == label_count)
    snprintf(labels[label_count++], LABEL, "%s", text);
  return i;
}

static void read_script(const char *path) {
  char text[512], label[LABEL];
  FILE *file = fopen(path, "r");
  if (!file)
    fail(path);
  while (line_count < MOST_LINES && fgets(text, sizeof text, file)) {
    script_line *line = &lines[line_count++];
    if (sscanf(text, "%7s %127s %lu %lu %d %d %47[^\n]", line->method, line->url, &line->distinct,
               &line->variants, &line->timeout, &line->cancel, label) != 7)
      fail("a line of the script is wrong");
    line->label = label_of(label);
  }
  fclose(file);
}

static void print_cases(void) {
  for (int i = 0; i < MOST_OUTCOMES && outcomes[i].name[0]; i++)
    for (int j = 0; j < label_count; j++)
      if (outcomes[i].by_case[j])
        printf("case outcome=%s count=%lu label=%s\n", outcomes[i].name, outcomes[i].by_case[j],
               labels[j]);
}

/* Reads the options; the index of the first argument behind them. */
static int read_options(int argc, char **argv) {
  int at = 1;
  for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
    unsigned long value = strtoul(argv[at + 1], NULL, 10);
    if (strcmp(argv[at], "--requests") == 0)
      requests = value;
    else if (strcmp(argv[at], "--every") == 0)
      every = value;
    else if (strcmp(argv[at], "--entries") == 0)
      entries = value;
    else if (strcmp(argv[at], "--at-once") == 0)
      at_once = value < MOST_AT_ONCE ? value : MOST_AT_ONCE;
    else
      fail("there is no such option");
  }
  return at;
}

static void open_relay(const char *chain) {
  viesti_store_options bounds = {.size = sizeof bounds, .max_size = entries, .max_bytes = 16 << 20};
  viesti_store_open(&store, &bounds);
  viesti_options options = {
      .size = sizeof options, .store = store, .allocate = allocate, .allocate_context = &lua_bytes};
  if (viesti_open(&relay, &options) != VIESTI_OK ||
      viesti_load(relay, chain, "=chain") != VIESTI_OK)
    fail(viesti_last_error(relay));
}

int main(int argc, char **argv) {
  int at = read_options(argc, argv);
  if (at + 2 != argc)
    fail("usage: host --requests N --every N --entries N --at-once N CHAIN SCRIPT");
  read_script(argv[at + 1]);
  int before = count_descriptors();
  open_relay(argv[at]);
  started = now();
  run();
  if (done % every != 0)
    report();
  viesti_close(relay);
  viesti_store_release(store);
  print_cases();
  printf("end descriptors_before=%d descriptors_after=%d lost=%lu repeated=%lu\n", before,
         count_descriptors(), begun - done, repeated);
  return 0;
}
