/* The limit that viesti is measured against: a plain program on the same libcurl.
 *
 *   plain [--seconds S] [--count N] [--warm-up N] [--ca FILE] [--file FILE] [--same-fields]
 *         URL MODE [AT-ONCE]
 *
 * Modes: sync, many, many-epoll, h2, large, stream, file, upload, tls. It prints one line: the
 * requests, the seconds they took, the cpu seconds (user and system), and the most memory it ever
 * had, in KiB. */
#include "plain.h"

#include "message/version.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { TIMEOUT = 60, CONNECT_TIMEOUT = 10, LITTLE = 20 };

void fail(const char *what, const char *why) {
  fprintf(stderr, "plain: %s: %s\n", what, why);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double seconds_of(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static double cpu_used(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/* ru_maxrss would also hold the peak of whoever started this program: Linux keeps it over exec. */
static long peak_memory(void) {
  long peak = 0;
  char line[256];
  FILE *status = fopen("/proc/self/status", "r");
  while (status && peak == 0 && fgets(line, sizeof line, status))
    if (strncmp(line, "VmHWM:", 6) == 0)
      peak = strtol(line + 6, NULL, 10);
  if (status)
    fclose(status);
  return peak;
}

static void start_clocks(run *of) {
  of->cpu_started = cpu_used();
  of->started = now();
}

void run_default(run *of, long warm_up, long between_looks) {
  if (of->warm_up < 0)
    of->warm_up = warm_up;
  of->between_looks = between_looks;
  start_clocks(of);
}

void run_count(run *of) {
  if (of->over)
    return;
  of->done++;
  long measured = of->done - of->warm_up;
  if (measured == 0)
    start_clocks(of);
  if (measured <= 0)
    return;
  of->over = of->count ? measured >= of->count
                       : measured % of->between_looks == 0 && now() - of->started >= of->seconds;
  if (!of->over)
    return;
  of->elapsed = now() - of->started;
  of->cpu = cpu_used() - of->cpu_started;
}

CURL *new_handle(const run *of, response *to) {
  CURL *easy = curl_easy_init();
  if (!easy)
    fail("curl_easy_init", "out of memory");
  response_attach(to, easy);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)TIMEOUT);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT);
  if (of->same_fields) {
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "viesti/" VI_VERSION);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  }
  if (of->ca) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, of->ca);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
  return easy;
}

void check(const run *of, CURL *easy, CURLcode code, const response *got) {
  if (code != CURLE_OK)
    fail(of->url, curl_easy_strerror(code));
  long status = 0, version = CURL_HTTP_VERSION_2;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (of->one_connection)
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  size_t length;
  const char *type = response_find(got, "Content-Type", &length);
  if (status != 200 || got->body.length == 0)
    fail(of->url, "no response of status 200 with a body");
  if (version != CURL_HTTP_VERSION_2)
    fail(of->url, "not HTTP/2");
  if (!type || length != strlen(of->wanted_type) || memcmp(type, of->wanted_type, length) != 0)
    fail(of->url, "not the expected Content-Type");
}

/* One request after the other on one handle, each with the URL set anew. */
static void one_by_one(run *of, void (*forget)(response *)) {
  response got = {0};
  CURL *easy = new_handle(of, &got);
  while (!of->over) {
    curl_easy_setopt(easy, CURLOPT_URL, of->url);
    check(of, easy, curl_easy_perform(easy), &got);
    forget(&got);
    run_count(of);
  }
  curl_easy_cleanup(easy);
  response_free(&got);
}

typedef struct sink {
  response *got;
  FILE *file;
} sink;

/* Counts a piece of a body, and writes it if there is a file. */
static size_t take_piece(char *data, size_t size, size_t count, void *user) {
  sink *to = user;
  size_t length = size * count;
  to->got->body.length += length;
  return !to->file || fwrite(data, 1, length, to->file) == length ? length : 0;
}

/* As one_by_one, the body piece by piece: into a file, or nowhere. */
static void piece_by_piece(run *of, const char *path) {
  response got = {0};
  sink to = {.got = &got};
  CURL *easy = new_handle(of, &got);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_piece);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &to);
  while (!of->over) {
    if (path && !(to.file = fopen(path, "wb")))
      fail(path, "cannot be written");
    curl_easy_setopt(easy, CURLOPT_URL, of->url);
    check(of, easy, curl_easy_perform(easy), &got);
    if (path && fclose(to.file) != 0)
      fail(path, "cannot be written");
    response_clear(&got);
    run_count(of);
  }
  curl_easy_cleanup(easy);
  response_free(&got);
}

/* The file, again and again. */
static void upload(run *of) {
  response got = {0};
  CURL *easy = new_handle(of, &got);
  FILE *file = of->file ? fopen(of->file, "rb") : NULL;
  if (!file || fseek(file, 0, SEEK_END) != 0)
    fail("upload", "it lacks a file to read");
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_READDATA, file);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)ftell(file));
  while (!of->over) {
    rewind(file);
    curl_easy_setopt(easy, CURLOPT_URL, of->url);
    check(of, easy, curl_easy_perform(easy), &got);
    response_clear(&got);
    run_count(of);
  }
  fclose(file);
  curl_easy_cleanup(easy);
  response_free(&got);
}

static void run_mode(run *of, const char *mode) {
  if (strcmp(mode, "sync") == 0) {
    run_default(of, LITTLE, LITTLE);
    one_by_one(of, response_clear);
  } else if (strcmp(mode, "tls") == 0) {
    run_default(of, 1, 1);
    one_by_one(of, response_clear);
  } else if (strcmp(mode, "large") == 0) {
    run_default(of, 1, 1);
    one_by_one(of, response_free);
  } else if (strcmp(mode, "stream") == 0) {
    run_default(of, 1, 1);
    piece_by_piece(of, NULL);
  } else if (strcmp(mode, "file") == 0 && of->file) {
    run_default(of, 1, 1);
    piece_by_piece(of, of->file);
  } else if (strcmp(mode, "upload") == 0) {
    run_default(of, 1, 1);
    upload(of);
  } else if (of->at_once > 0 && (strcmp(mode, "many") == 0 || strcmp(mode, "h2") == 0)) {
    of->one_connection = strcmp(mode, "h2") == 0;
    many_with_poll(of);
  } else if (of->at_once > 0 && strcmp(mode, "many-epoll") == 0) {
    many_with_epoll(of);
  } else {
    fail(mode, "no such mode, or it lacks how many at once, or --file");
  }
}

static run read_arguments(int count, char **arguments) {
  static const struct option options[] = {
      {"seconds", required_argument, NULL, 's'},
      {"count", required_argument, NULL, 'n'},
      {"warm-up", required_argument, NULL, 'w'},
      {"ca", required_argument, NULL, 'c'},
      {"file", required_argument, NULL, 'o'},
      {"same-fields", no_argument, NULL, 'f'},
      {NULL, 0, NULL, 0},
  };
  run read = {.seconds = 1, .warm_up = -1, .wanted_type = "application/octet-stream"};
  for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;)
    switch (option) {
    case 's':
      read.seconds = strtod(optarg, NULL);
      break;
    case 'n':
      read.count = strtol(optarg, NULL, 10);
      break;
    case 'w':
      read.warm_up = strtol(optarg, NULL, 10);
      break;
    case 'c':
      read.ca = optarg;
      break;
    case 'o':
      read.file = optarg;
      break;
    case 'f':
      read.same_fields = true;
      break;
    default:
      exit(2);
    }
  if (count - optind < 2)
    fail("usage", "plain [--seconds S] [--count N] [--warm-up N] [--ca FILE] [--file FILE] "
                  "[--same-fields] URL MODE [AT-ONCE]");
  read.url = arguments[optind];
  if (count - optind > 2)
    read.at_once = strtol(arguments[optind + 2], NULL, 10);
  return read;
}

int main(int count, char **arguments) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  run measured = read_arguments(count, arguments);
  run_mode(&measured, arguments[optind + 1]);
  printf("requests=%ld seconds=%.6f cpu=%.6f peak=%ld\n", measured.done - measured.warm_up,
         measured.elapsed, measured.cpu, peak_memory());
  curl_global_cleanup();
  return 0;
}
