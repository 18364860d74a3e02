/* embed/chain: what is loaded in the place of another chain keeps what both name, and what is under
 * way; a file is read again when it has changed. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char URL[] = "http://example.test/";

static void remove_file(void *path) {
  unlink(path);
  free(path);
}

/* A file for the running test. */
static const char *new_file(void) {
  char *path = strdup("/tmp/viesti.XXXXXX");
  int fd = mkstemp(path);
  tap_defer(remove_file, path);
  check(fd >= 0);
  close(fd);
  return path;
}

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  require(file);
  check(fputs(text, file) >= 0);
  fclose(file);
}

static void write_mock(const char *path, int status) {
  char text[100];
  snprintf(text, sizeof text,
           "return MockSender { routes = { { answer = { status_code = %d } } } }", status);
  write_file(path, text);
}

/* 1 if a GET is answered by a cache, 0 if by the server. */
static int is_cached(viesti *runtime, const char *url) {
  viesti_request request = {.size = sizeof request, .url = url};
  viesti_response *response;
  if (!check_int(viesti_send(runtime, &request, &response), VIESTI_OK))
    return -1;
  int cached = viesti_response_from_cache(response);
  viesti_response_release(response);
  return cached;
}

IT("reads a file again when it says something else") {
  const char *path = new_file();
  viesti *runtime = host_open(NULL);
  require(runtime);
  write_mock(path, 201);
  check_int(viesti_load_file(runtime, path), VIESTI_OK);
  check_int(viesti_reload(runtime), VIESTI_OK);
  check_int(host_send(runtime, URL), 201);
  write_mock(path, 202);
  check_int(host_send(runtime, URL), 201);
  check_int(viesti_reload(runtime), VIESTI_OK);
  check_int(host_send(runtime, URL), 202);
}

static void count_log(void *context, viesti_bytes text) {
  (void)text;
  ++*(int *)context;
}

static void close_runtime(void *runtime) {
  viesti_close(runtime);
}

IT("runs a file once for each time that it has changed") {
  const char *path = new_file();
  int runs = 0;
  viesti_options options = {.size = sizeof options, .log = count_log, .context = &runs};
  viesti *runtime;
  require(viesti_open(&runtime, &options) == VIESTI_OK);
  tap_defer(close_runtime, runtime);
  write_file(path, "log '' return MockSender()");
  viesti_load_file(runtime, path);
  viesti_reload(runtime);
  check_int(runs, 1);
  write_file(path, "log '' return MockSender() -- edited");
  viesti_reload(runtime);
  viesti_reload(runtime);
  check_int(runs, 2);
  check_int(viesti_load_file(runtime, path), VIESTI_OK);
  check_int(runs, 3);
}

IT("says once what is wrong with a broken one, and goes on with the chain that was there") {
  const char *path = new_file();
  viesti *runtime = host_open(NULL);
  require(runtime);
  write_mock(path, 201);
  viesti_load_file(runtime, path);
  write_file(path, "return nothing(");
  check_int(viesti_reload(runtime), VIESTI_FAILED);
  check(strstr(viesti_last_error(runtime), path));
  check(strstr(viesti_last_error(runtime), ":1: "));
  check_int(viesti_reload(runtime), VIESTI_OK);
  check_text(vi_text_of(viesti_last_error(runtime)), "");
  check_int(host_send(runtime, URL), 201);
  write_mock(path, 203);
  check_int(viesti_reload(runtime), VIESTI_OK);
  check_int(host_send(runtime, URL), 203);
}

IT("takes a file that was broken, or not there, when it was first loaded") {
  const char *path = new_file();
  viesti *runtime = host_open(NULL);
  require(runtime);
  unlink(path);
  check_int(viesti_load_file(runtime, path), VIESTI_FAILED);
  check_int(viesti_reload(runtime), VIESTI_OK);
  check_int(host_send(runtime, URL), 0);
  check_text(vi_text_of(viesti_last_error(runtime)), "no chain is loaded");
  write_mock(path, 201);
  check_int(viesti_reload(runtime), VIESTI_OK);
  check_int(host_send(runtime, URL), 201);
  unlink(path);
  check_int(viesti_reload(runtime), VIESTI_OK);
  check_int(host_send(runtime, URL), 201);
}

static viesti *reloaded;
static viesti_status within;

static void reload_within(void *context, viesti_bytes text) {
  (void)context;
  (void)text;
  within = viesti_reload(reloaded);
}

IT("is misuse where there is no file, and from inside of a chain") {
  const char *path = new_file();
  viesti_options options = {.size = sizeof options, .log = reload_within};
  require(viesti_open(&reloaded, &options) == VIESTI_OK);
  tap_defer(close_runtime, reloaded);
  check_int(viesti_reload(NULL), VIESTI_MISUSE);
  check_int(viesti_reload(reloaded), VIESTI_MISUSE);
  check_text(vi_text_of(viesti_last_error(reloaded)), "viesti_reload: no file was loaded");
  write_file(path, "log '' return MockSender()");
  check_int(viesti_load_file(reloaded, path), VIESTI_OK);
  check_int(within, VIESTI_MISUSE);
  check_int(viesti_reload(reloaded), VIESTI_OK);
  check_int(viesti_load(reloaded, "return (", NULL), VIESTI_FAILED);
  check_int(viesti_reload(reloaded), VIESTI_OK);
  check_int(viesti_load(reloaded, "return MockSender()", NULL), VIESTI_OK);
  check_int(viesti_reload(reloaded), VIESTI_MISUSE);
}

IT("keeps the stores and sessions that a source names again, a text's and a file's") {
  static const char CACHED[] = "return chain { CachingSender { store = Store(10) },\n"
                               "  SyncSender { session = Session { user_agent = 'a' } } }";
  const char *path = new_file();
  origin *server = host_serve_hello();
  viesti *runtime = host_open(CACHED);
  require(server && runtime);
  check_int(is_cached(runtime, host_url(server)), 0);
  write_file(path, CACHED);
  check_int(viesti_load_file(runtime, path), VIESTI_OK);
  check_int(is_cached(runtime, host_url(server)), 1);
  write_file(path, "return chain { CachingSender { store = Store(20) },\n"
                   "  SyncSender { session = Session { user_agent = 'a' } } }");
  check_int(viesti_reload(runtime), VIESTI_OK);
  check_int(is_cached(runtime, host_url(server)), 0);
  check_int(origin_requests(server), 2);
  check_int(origin_connections(server), 1);
}

IT("has requests under way finish on the chain that they were sent through, and its session") {
  static const origin_answer answers[] = {
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .then = ORIGIN_KEEP, .delay = 50}};
  origin *server = host_serve(answers, 1);
  viesti *runtime = host_open("return AsyncSender { timeout = 5 }");
  told begun = {0}, fresh = {0}, later = {0};
  require(server && runtime);
  host_get(runtime, host_url(server), &begun);
  viesti_step(runtime, 0);
  host_get(runtime, host_url(server), &fresh);
  viesti_ticket ticket = host_get(runtime, host_url(server), &(told){0});
  check_int(viesti_load(runtime, "return MockSender { asynchronous = true }", NULL), VIESTI_OK);
  host_get(runtime, host_url(server), &later);
  viesti_cancel(runtime, ticket);
  host_finish(runtime);
  check_int(begun.status, 200);
  check_int(fresh.status, 200);
  check_int(later.status, 0);
}

IT("closes the chain that was there when the last of them has ended") {
  static const char OWN[] = "local Own = ExtendingSender:extend('Own')\n"
                            "function Own:close() log 'closed' self.sender:close() end\n"
                            "return Own { sender = MockSender { asynchronous = true,\n"
                            "  routes = { { answer = {} } } } }";
  int closed = 0;
  viesti_options options = {.size = sizeof options, .log = count_log, .context = &closed};
  viesti *runtime;
  told about = {0};
  require(viesti_open(&runtime, &options) == VIESTI_OK);
  tap_defer(close_runtime, runtime);
  check_int(viesti_load(runtime, OWN, NULL), VIESTI_OK);
  host_get(runtime, URL, &about);
  check_int(viesti_load(runtime, "return MockSender()", NULL), VIESTI_OK);
  check_int(closed, 0);
  host_finish(runtime);
  check_int(about.status, 200);
  check_int(closed, 1);
  check_int(viesti_load(runtime, OWN, NULL), VIESTI_OK);
  check_int(viesti_load(runtime, "return MockSender()", NULL), VIESTI_OK);
  check_int(closed, 2);
}
