/* The transport without memory: whatever allocation fails, blocking or in a loop, a transfer says
 * so, nothing is lost or left, and the session works again once there is memory. */
#include "coding.h"
#include "exchange.h"
#include "message/clock.h"
#include "messages.h"
#include "scarcity.h"
#include "tap.h"
#include "transport/streaming.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const vi_text NOTHING = {NULL, 0};
enum { MOST_AT_ONCE = 3 };

/* What is sent, and what is to come of it. */
static struct {
  vi_request *(*make)(void); /* NULL: out of memory */
  char url[100];
  vi_text body;
  size_t at_once; /* requests over one connection */
  bool in_loop;
} plan;

/* What went wrong, as the one word that a scenario may say. */
static vi_error_kind worse(vi_error_kind a, vi_error_kind b) {
  return a == VI_ERROR_NONE || b == VI_ERROR_SCRIPT ? b : a;
}

static vi_request *make_plain(void) {
  return vi_request_new(VI_TEXT("GET"), vi_text_of(plan.url), NOTHING, NULL, NULL);
}

static vi_request *make_full(void) {
  vi_text body = VI_TEXT("data");
  vi_request *request =
      vi_request_new(VI_TEXT("PUT"), vi_text_of(plan.url), VI_TEXT("q=1"), &body, NULL);
  for (int i = 0; request && i < 40; i++)
    if (vi_headers_add(&request->headers, VI_TEXT("Name"), VI_TEXT("a value of some length"))) {
      vi_request_release(request);
      return NULL;
    }
  return request;
}

static vi_request *make_stream(void) {
  vi_request *request = make_plain();
  if (request)
    request->streams_response = true;
  return request;
}

static vi_request *make_upload(void) {
  vi_request *request = vi_request_new(VI_TEXT("PUT"), vi_text_of(plan.url), NOTHING, NULL, NULL);
  if (request) {
    request->streams_body = request->streams_response = true;
    request->body_length = -1;
  }
  return request;
}

static bool fill_part(vi_part *part, bool of_file) {
  if (!part)
    return false;
  if (of_file)
    part->file = file_of(VI_TEXT("content of a file"));
  else if (!vi_buffer_append_text(&part->bytes, VI_TEXT("bytes of the memory")))
    return false;
  part->length = 15;
  return vi_buffer_append_text(&part->name, VI_TEXT("name")) && vi_buffer_terminate(&part->name) &&
         add_fields(&part->headers, "A: 1\nB: 2");
}

static vi_request *make_multipart(void) {
  vi_request *request = make_full();
  if (!request)
    return NULL;
  request->multipart = vi_multipart_new();
  for (int i = 0; request->multipart && i < 6; i++)
    if (!fill_part(vi_multipart_add(request->multipart), i % 2)) {
      vi_request_release(request);
      return NULL;
    }
  if (request->multipart)
    return request;
  vi_request_release(request);
  return NULL;
}

/* Carries a started transfer to its end; true if what came is a beginning of what was to come. */
static bool pump(vi_transfer *transfer, size_t *length) {
  int64_t deadline = vi_clock_monotonic() + 10 * INT64_C(1000000000);
  bool streams = transfer->request->streams_response, right = true;
  vi_transfer_await(transfer, streams ? VI_AWAIT_BODY : VI_AWAIT_END);
  while (vi_clock_monotonic() < deadline) {
    vi_text bytes = streams ? vi_transfer_peek(transfer) : NOTHING;
    if (transfer->done && bytes.length == 0)
      return right;
    if (transfer->upload_starved && !transfer->done)
      vi_transfer_supply(transfer, transfer->upload_total < 20 ? VI_TEXT("hello") : VI_TEXT(""));
    if (bytes.length > 60000)
      bytes.length = 60000;
    right = right && *length + bytes.length <= plan.body.length &&
            (bytes.length == 0 || memcmp(bytes.data, plan.body.data + *length, bytes.length) == 0);
    *length += bytes.length;
    if (bytes.length > 0)
      vi_transfer_consume(transfer, bytes.length);
    else
      vi_transfer_wait(transfer, 1000);
  }
  return false;
}

/* The transfer's outcome; SCRIPT if what it says is not true. */
static vi_error_kind outcome_of(vi_transfer *transfer) {
  size_t length = 0;
  if (!pump(transfer, &length) || transfer->handle)
    return VI_ERROR_SCRIPT;
  if (transfer->error.kind != VI_ERROR_NONE)
    return transfer->error.message[0] ? transfer->error.kind : VI_ERROR_SCRIPT;
  bool whole = transfer->request->streams_response
                   ? length == plan.body.length
                   : vi_text_equal(vi_response_body(transfer->response), plan.body);
  return whole ? VI_ERROR_NONE : VI_ERROR_SCRIPT;
}

static vi_transfer *begin(vi_session *session, vi_loop *loop) {
  vi_request *request = plan.make();
  vi_transfer *transfer = request ? vi_transfer_new(session, request, NULL) : NULL;
  vi_request_release(request);
  if (transfer && loop)
    vi_loop_start(loop, transfer);
  else if (transfer)
    vi_transfer_start(transfer);
  return transfer;
}

/* As many requests at once as planned. */
static vi_error_kind send_all(vi_session *session, vi_loop *loop) {
  vi_transfer *transfers[MOST_AT_ONCE];
  vi_error_kind kind = VI_ERROR_NONE;
  for (size_t i = 0; i < plan.at_once; i++)
    transfers[i] = begin(session, loop);
  for (size_t i = 0; i < plan.at_once; i++) {
    kind = worse(kind, transfers[i] ? outcome_of(transfers[i]) : VI_ERROR_OUT_OF_MEMORY);
    vi_transfer_release(transfers[i]);
  }
  return kind;
}

static vi_error_kind play(void) {
  vi_session_options options = plain_options();
  vi_error error = {0};
  options.max_connections = plan.at_once > 1;
  vi_session *session = vi_session_new(&options, &error);
  vi_loop *loop = session && plan.in_loop ? vi_loop_new(&error) : NULL;
  for (int i = 0; i < 2 && session && (loop || !plan.in_loop); i++) {
    bool was_over = scarcity_is_over();
    vi_error_kind kind = send_all(session, loop);
    error.kind = worse(error.kind, was_over && kind != VI_ERROR_NONE ? VI_ERROR_SCRIPT : kind);
  }
  vi_session_release(session);
  vi_loop_free(loop);
  return error.kind;
}

/* Fails each allocation of two exchanges, blocking and in a loop. */
static void starve(vi_request *(*make)(void), vi_text answer, vi_text body, size_t at_once) {
  origin *server = serve_bytes(answer, ORIGIN_KEEP);
  snprintf(plan.url, sizeof plan.url, "http://127.0.0.1:%d/", origin_port(server));
  plan.make = make;
  plan.body = body;
  plan.at_once = at_once;
  size_t before = open_descriptors();
  for (int looped = 0; looped < 2; looped++) {
    plan.in_loop = looped;
    fail_each_allocation_of(play);
  }
  check(descriptors_return_to(before));
}

static vi_text gzip_answer(vi_text body) {
  char *head = malloc(200);
  vi_text packed = coded(body, CODING_GZIP);
  tap_defer(free, head);
  snprintf(head, 200, OK_HEAD "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
           packed.length);
  return concatenated(vi_text_of(head), packed);
}

IT("sends a body and many fields, and takes an answer in chunks") {
  starve(make_full,
         VI_TEXT(OK_HEAD "Transfer-Encoding: chunked\r\nContent-Encoding: identity\r\n\r\n"
                         "5\r\nhello\r\n0\r\nA: 1\r\n\r\n"),
         VI_TEXT("hello"), 1);
}

IT("undoes a coding of a whole body, small and large") {
  starve(make_plain, gzip_answer(VI_TEXT("hello")), VI_TEXT("hello"), 1);
  vi_text large = concatenated(noise(100000), monotony(300000));
  starve(make_plain, gzip_answer(large), large, 1);
}

IT("streams a body, coded or not, with its server held back") {
  vi_text large = concatenated(noise(400000), monotony(1000000));
  starve(make_stream, gzip_answer(large), large, 1);
  starve(make_stream, concatenated(VI_TEXT(OK_HEAD "Content-Length: 1400000\r\n\r\n"), large),
         large, 1);
}

IT("sends parts, of memory and of files") {
  starve(make_multipart, VI_TEXT(OK_HELLO), VI_TEXT("hello"), 1);
}

IT("sends a body piece by piece and streams the answer") {
  starve(make_upload, VI_TEXT(OK_HELLO), VI_TEXT("hello"), 1);
}

IT("sends several requests one after the other, over one connection") {
  starve(make_plain, VI_TEXT(OK_HELLO), VI_TEXT("hello"), MOST_AT_ONCE);
}

IT("keeps interim answers, whole or streamed") {
  vi_text answer = VI_TEXT("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n"
                           "HTTP/1.1 103 Hints\r\nLink: <b>\r\n\r\n" OK_HELLO);
  starve(make_plain, answer, VI_TEXT("hello"), 1);
  starve(make_stream, answer, VI_TEXT("hello"), 1);
}
