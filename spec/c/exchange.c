#include "exchange.h"

#include "message/clock.h"
#include "message/descriptor.h"
#include "messages.h"
#include "tap.h"
#include "transport/streaming.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t PATIENCE = 10 * INT64_C(1000000000);

static void stop_origin(void *server) {
  origin_stop(server);
}

static void release_session(void *session) {
  vi_session_release(session);
}

static void release_transfer(void *transfer) {
  vi_transfer_release(transfer);
}

static void release_request(void *request) {
  vi_request_release(request);
}

static void free_loop(void *loop) {
  vi_loop_free(loop);
}

static void close_descriptor(void *object) {
  close(*(int *)object);
  free(object);
}

static void *given(void *object) {
  if (!object)
    abort(); /* a test's own material is wrong */
  return object;
}

origin *serve_all(const origin_answer *answers, size_t count) {
  origin *server = given(origin_start(answers, count));
  tap_defer(stop_origin, server);
  return server;
}

origin *serve_bytes(vi_text bytes, origin_end then) {
  origin_answer *answer = given(malloc(sizeof *answer));
  *answer = (origin_answer){
      .bytes = bytes.length ? bytes.data : NULL, .length = bytes.length, .then = then};
  tap_defer(free, answer);
  return serve_all(answer, 1);
}

origin *serve(const char *bytes, origin_end then) {
  return serve_bytes(vi_text_of(bytes), then);
}

vi_session_options plain_options(void) {
  return (vi_session_options){
      .timeout = 10,
      .connect_timeout = 10,
      .max_body = 1 << 20,
      .decode = true,
      .verify = true,
      .proxy = "",
      .user_agent = "tests",
  };
}

vi_session *session_with(vi_session_options options) {
  vi_session *session = given(vi_session_new(&options, NULL));
  tap_defer(release_session, session);
  return session;
}

vi_session *plain_session(void) {
  return session_with(plain_options());
}

vi_loop *new_loop(void) {
  vi_loop *loop = given(vi_loop_new(NULL));
  tap_defer(free_loop, loop);
  return loop;
}

vi_loop *blind_loop(void) {
  vi_loop *loop = new_loop();
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  check(nothing >= 0 && dup2(nothing, loop->poller.fd) == loop->poller.fd && close(nothing) == 0);
  return loop;
}

vi_request *request_for(const origin *server, const char *method, const char *path,
                        const char *lines) {
  char url[200];
  snprintf(url, sizeof url, "http://127.0.0.1:%d%s", origin_port(server), path);
  return request_to(method, url, lines);
}

vi_request *request_with_body(const origin *server, const char *method, const char *body) {
  char url[100];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", origin_port(server));
  vi_text content = vi_text_of(body);
  vi_request *request = given(
      vi_request_new(vi_text_of(method), vi_text_of(url), (vi_text){NULL, 0}, &content, NULL));
  tap_defer(release_request, request);
  return request;
}

vi_transfer *transfer_of(vi_session *session, vi_request *request) {
  vi_transfer *transfer = given(vi_transfer_new(session, request, NULL));
  tap_defer(release_transfer, transfer);
  return transfer;
}

vi_transfer *stream_from(vi_session *session, const origin *server) {
  vi_request *request = request_for(server, "GET", "/", "");
  request->streams_response = true;
  return transfer_of(session, request);
}

void wait_until_ready(vi_transfer *transfer) {
  int64_t deadline = vi_clock_monotonic() + PATIENCE;
  while (!transfer->ready && vi_clock_monotonic() < deadline)
    vi_transfer_wait(transfer, 1000);
  check(transfer->ready);
}

vi_text read_all(vi_transfer *transfer, size_t most) {
  vi_buffer *out = scratch();
  for (;;) {
    vi_transfer_await(transfer, VI_AWAIT_BODY);
    wait_until_ready(transfer);
    vi_text bytes = vi_transfer_peek(transfer);
    if (bytes.length == 0)
      return vi_buffer_text(out);
    bytes.length = bytes.length < most ? bytes.length : most;
    check(vi_buffer_append_text(out, bytes));
    vi_transfer_consume(transfer, bytes.length);
  }
}

void finish(vi_transfer *transfer) {
  int64_t deadline = vi_clock_monotonic() + PATIENCE;
  while (!transfer->done && vi_clock_monotonic() < deadline)
    vi_transfer_wait(transfer, 1000);
  check(transfer->done);
}

void finish_in_loop(vi_loop *loop, const vi_transfer *transfer) {
  int64_t deadline = vi_clock_monotonic() + PATIENCE;
  while (!transfer->done && vi_clock_monotonic() < deadline)
    vi_loop_step(loop, 1000);
  check(transfer->done);
}

vi_transfer *start(vi_loop *loop, vi_session *session, const origin *server) {
  vi_transfer *transfer = transfer_of(session, request_for(server, "GET", "/", ""));
  check(vi_loop_start(loop, transfer));
  return transfer;
}

void step_until_sent(vi_loop *loop, origin *server, size_t count) {
  int64_t deadline = vi_clock_monotonic() + PATIENCE;
  while (origin_requests(server) < count && vi_clock_monotonic() < deadline)
    vi_loop_step(loop, 5);
  check_int(origin_requests(server), count);
}

vi_transfer *exchange(vi_session *session, vi_request *request) {
  vi_transfer *transfer = transfer_of(session, request);
  vi_transfer_start(transfer);
  finish(transfer);
  return transfer;
}

vi_transfer *get_from(vi_session *session, const origin *server) {
  return exchange(session, request_for(server, "GET", "/", ""));
}

static void print_outcome(const vi_transfer *transfer) {
  printf("# outcome: %s%s, status %d, libcurl's code %d, '%s'\n",
         vi_error_kind_name(transfer->error.kind), transfer->done ? "" : " (not done)",
         transfer->response ? transfer->response->status : 0, transfer->error.code,
         transfer->error.message);
}

bool succeeded(const vi_transfer *transfer) {
  return failed_with(transfer, VI_ERROR_NONE);
}

bool failed_with(const vi_transfer *transfer, vi_error_kind kind) {
  bool as_expected = transfer->done && transfer->error.kind == kind;
  if (!as_expected)
    print_outcome(transfer);
  return as_expected;
}

int file_of(vi_text bytes) {
  char path[] = "/tmp/viesti-test-XXXXXX";
  int file = mkstemp(path);
  if (file < 0 || unlink(path) != 0 || write(file, bytes.data, bytes.length) < 0)
    abort();
  return file;
}

int refused_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int *fd = given(malloc(sizeof *fd));
  *fd = vi_open_socket(AF_INET, SOCK_STREAM, 0);
  tap_defer(close_descriptor, fd);
  check(bind(*fd, (struct sockaddr *)&address, size) == 0);
  check(getsockname(*fd, (struct sockaddr *)&address, &size) == 0);
  return ntohs(address.sin_port);
}

bool descriptors_return_to(size_t count) {
  for (int i = 0; i < 1000 && open_descriptors() > count; i++)
    usleep(1000);
  return open_descriptors() <= count;
}

size_t open_descriptors(void) {
  DIR *directory = given(opendir("/dev/fd"));
  size_t count = 0;
  while (readdir(directory))
    count++;
  closedir(directory);
  return count;
}
