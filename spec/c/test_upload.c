/* transport: request bodies that do not lie in the request: of parts, and from the caller piece by
 * piece. */
#include "coding.h"
#include "exchange.h"
#include "messages.h"
#include "tap.h"
#include "transport/streaming.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static vi_multipart *parts_of(vi_request *request) {
  request->multipart = vi_multipart_new();
  if (!request->multipart)
    abort();
  return request->multipart;
}

static vi_part *add_part(vi_request *request, const char *name) {
  vi_part *part = vi_multipart_add(request->multipart);
  if (!part || !vi_buffer_append_text(&part->name, vi_text_of(name)) ||
      !vi_buffer_terminate(&part->name))
    abort();
  return part;
}

static vi_part *add_bytes(vi_request *request, const char *name, vi_text bytes) {
  vi_part *part = add_part(request, name);
  check(vi_buffer_append_text(&part->bytes, bytes));
  part->length = (int64_t)bytes.length;
  return part;
}

/* A part of a file without a name that holds the bytes. */
static vi_part *add_file(vi_request *request, const char *name, vi_text bytes) {
  vi_part *part = add_part(request, name);
  part->file = file_of(bytes);
  part->length = (int64_t)bytes.length;
  return part;
}

static void set_text(vi_buffer *buffer, const char *text) {
  check(vi_buffer_append_text(buffer, vi_text_of(text)) && vi_buffer_terminate(buffer));
}

static bool sent(origin *server, size_t index, vi_text bytes) {
  vi_text request = origin_request(server, index);
  return request.length > 0 && memmem(request.data, request.length, bytes.data, bytes.length);
}

IT("sends parts with their names, types and fields, from memory and from files") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_session *session = plain_session();
  for (size_t i = 0; i < 2; i++) {
    vi_request *request = request_for(server, i ? "PUT" : "POST", "/", "");
    parts_of(request);
    vi_part *title = add_bytes(request, "title", VI_TEXT("a\0b"));
    check(add_fields(&title->headers, "X-A: 1\nX-B: 2"));
    vi_part *picture = add_file(request, "picture", VI_TEXT("before, pixels"));
    picture->start = 8;
    picture->length = 6;
    set_text(&picture->filename, "p\"1.png");
    set_text(&picture->type, "image/png");
    check(succeeded(exchange(session, request)));
    check(sent(server, i, VI_TEXT("Content-Type: multipart/form-data; boundary=")));
    check(sent(server, i, VI_TEXT("name=\"title\"\r\n")) && sent(server, i, VI_TEXT("X-A: 1\r\n")));
    check(sent(server, i, VI_TEXT("X-B: 2\r\n\r\na\0b\r\n--")));
    check(sent(server, i, VI_TEXT("name=\"picture\"; filename=\"p\\\"1.png\"\r\n")) ||
          sent(server, i, VI_TEXT("name=\"picture\"; filename=\"p%221.png\"\r\n")));
    check(sent(server, i, VI_TEXT("Content-Type: image/png\r\n\r\npixels\r\n--")));
    check(sent(server, i, VI_TEXT("Content-Length: ")) && !sent(server, i, VI_TEXT("Expect:")));
    check(!sent(server, i, VI_TEXT("chunked")));
  }
}

IT("sends parts larger than any buffer, twice from the same request") {
  vi_text large = noise(700000);
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_session *session = plain_session();
  vi_request *request = request_for(server, "POST", "/", "");
  parts_of(request);
  add_bytes(request, "a", large);
  add_file(request, "b", large);
  for (size_t i = 0; i < 2; i++) {
    check(succeeded(exchange(session, request)));
    check(sent(server, i, concatenated(large, VI_TEXT("\r\n--"))));
    check(sent(server, i, concatenated(VI_TEXT("\"b\"\r\n\r\n"), large)));
  }
  check_int(session->idle_count, 1);
}

IT("carries nothing of the parts over to the next request on the handle") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_session *session = plain_session();
  vi_request *request = request_for(server, "POST", "/", "");
  parts_of(request);
  add_bytes(request, "secret", VI_TEXT("secret"));
  check(succeeded(exchange(session, request)));
  check(succeeded(exchange(session, request_with_body(server, "POST", "data"))));
  check(succeeded(get_from(session, server)));
  for (size_t i = 1; i < 3; i++)
    check(!sent(server, i, VI_TEXT("secret")) && !sent(server, i, VI_TEXT("multipart")));
  check(sent(server, 1, VI_TEXT("\r\n\r\ndata")) && !sent(server, 2, VI_TEXT("Content-")));
  check_int(session->idle_count, 1);
}

IT("says which part's file has become shorter, and the session goes on") {
  for (int looped = 0; looped < 2; looped++) {
    origin *server = serve(OK_HELLO, ORIGIN_CLOSE);
    vi_session *session = plain_session();
    vi_request *request = request_for(server, "PUT", "/", "");
    parts_of(request);
    vi_part *part = add_file(request, "picture", noise(300000));
    check(ftruncate(part->file, 100000) == 0);
    vi_transfer *transfer = transfer_of(session, request);
    if (looped)
      check(vi_loop_start(new_loop(), transfer));
    else
      vi_transfer_start(transfer);
    finish(transfer);
    check(failed_with(transfer, VI_ERROR_SCRIPT));
    check(strstr(transfer->error.message, "'picture'"));
    check(transfer->error.maybe_sent && !transfer->error.retryable);
    check_int(session->idle_count, 1);
    check(succeeded(get_from(session, serve(OK_HELLO, ORIGIN_KEEP))));
  }
}

IT("sends parts again on a new connection where that is allowed") {
  static const origin_answer answers[] = {
      {.bytes = OK_HELLO}, {.bytes = NULL, .then = ORIGIN_CLOSE}, {.bytes = OK_HELLO}};
  const char *const methods[] = {"PUT", "POST"};
  for (size_t i = 0; i < 2; i++) {
    origin *server = serve_all(answers, 3);
    vi_session *session = plain_session();
    vi_request *request = request_for(server, methods[i], "/", "");
    parts_of(request);
    add_bytes(request, "a", VI_TEXT("content"));
    add_file(request, "b", VI_TEXT("more"));
    tap_at("%s", methods[i]);
    check(succeeded(get_from(session, server)));
    vi_transfer *transfer = exchange(session, request);
    check_int(transfer->error.kind == VI_ERROR_NONE, i == 0);
    check_int(origin_requests(server), i == 0 ? 3 : 2);
    check(i > 0 || (sent(server, 2, VI_TEXT("\r\n\r\ncontent\r\n--")) &&
                    sent(server, 2, VI_TEXT("\r\n\r\nmore\r\n--"))));
  }
}

static vi_transfer *upload_to(origin *server, vi_session *session, int64_t length, bool looped) {
  vi_request *request = request_for(server, "PUT", "/", "");
  request->streams_body = true;
  request->body_length = length;
  vi_transfer *transfer = transfer_of(session, request);
  if (looped)
    check(vi_loop_start(new_loop(), transfer));
  else
    vi_transfer_start(transfer);
  return transfer;
}

/* Works on the transfer for a moment even if its owner has something to do. */
static void step(vi_transfer *transfer) {
  vi_transfer_wait(transfer, 10);
  if (transfer->due)
    usleep(1000);
}

/* Waits until libcurl wants more of the body; false if it wants no more. */
static bool wants_more(vi_transfer *transfer) {
  for (int i = 0; i < 1000 && !transfer->upload_starved && !transfer->done; i++)
    vi_transfer_wait(transfer, 10);
  return transfer->upload_starved && !transfer->done;
}

IT("sends what its caller supplies, when it has it") {
  for (int i = 0; i < 4; i++) {
    origin *server = serve(OK_HELLO, ORIGIN_CLOSE);
    vi_transfer *transfer = upload_to(server, plain_session(), i / 2 ? -1 : 10, i % 2);
    tap_at("%s, %s", i / 2 ? "chunked" : "announced", i % 2 ? "looped" : "blocking");
    require(wants_more(transfer));
    vi_transfer_supply(transfer, VI_TEXT("hello"));
    require(wants_more(transfer));
    vi_transfer_supply(transfer, VI_TEXT("world"));
    require(wants_more(transfer));
    check(!transfer->ready && transfer->due);
    vi_transfer_supply(transfer, VI_TEXT(""));
    finish(transfer);
    check(succeeded(transfer));
    check(sent(server, 0,
               i / 2 ? VI_TEXT("\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n")
                     : VI_TEXT("\r\n\r\nhelloworld")));
    check(sent(server, 0, VI_TEXT("Content-Length: 10\r\n")) == (i / 2 == 0));
  }
}

IT("ends with an error where the body is not as long as was announced") {
  const char *const pieces[] = {"hell", "helloo"};
  const char *const words[] = {"the body has 4 bytes, 5 were announced",
                               "the body has 6 bytes or more, 5 were announced"};
  for (size_t i = 0; i < 2; i++) {
    origin *server = serve(OK_HELLO, ORIGIN_CLOSE);
    vi_session *session = plain_session();
    vi_transfer *transfer = upload_to(server, session, 5, false);
    require(wants_more(transfer));
    vi_transfer_supply(transfer, vi_text_of(pieces[i]));
    if (i == 0 && check(wants_more(transfer)))
      vi_transfer_supply(transfer, VI_TEXT(""));
    check(failed_with(transfer, VI_ERROR_SCRIPT));
    check(strcmp(transfer->error.message, words[i]) == 0);
    check_int(session->idle_count, 1);
    check_int(origin_requests(server), 0);
  }
}

IT("takes an answer that comes before the body was sent, and further bytes for nothing") {
  static const origin_answer answer = {.bytes =
                                           "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n",
                                       .then = ORIGIN_HANG,
                                       .early = true};
  origin *server = serve_all(&answer, 1);
  vi_transfer *transfer = upload_to(server, plain_session(), -1, false);
  for (int i = 0; i < 5000 && !transfer->done; i++) {
    if (transfer->upload_starved)
      vi_transfer_supply(transfer, VI_TEXT("more"));
    step(transfer);
  }
  require(succeeded(transfer));
  check_int(transfer->response->status, 413);
  vi_transfer_supply(transfer, VI_TEXT("more"));
  vi_transfer_supply(transfer, VI_TEXT(""));
  check(succeeded(transfer));
}

IT("sends and receives piece by piece at once, neither waiting for the other") {
  vi_text body = noise(2000000);
  vi_text answer = concatenated(VI_TEXT(OK_HEAD "Content-Length: 2000000\r\n\r\n"), body);
  static origin_answer early = {.then = ORIGIN_HANG, .early = true};
  early.bytes = answer.data;
  early.length = answer.length;
  vi_request *request = request_for(serve_all(&early, 1), "POST", "/", "");
  request->streams_body = request->streams_response = true;
  request->body_length = -1;
  vi_transfer *transfer = transfer_of(plain_session(), request);
  vi_transfer_start(transfer);
  require(wants_more(transfer));
  vi_transfer_supply(transfer, VI_TEXT("hello"));
  for (int i = 0; i < 5000 && !(transfer->stream_paused && transfer->upload_starved); i++)
    step(transfer);
  require(transfer->head_complete && transfer->stream_paused && transfer->upload_starved);
  for (int i = 0; i < 100; i++) {
    if (transfer->upload_starved)
      vi_transfer_supply(transfer, VI_TEXT("more"));
    step(transfer);
  }
  check(transfer->upload_total > 100 && !transfer->done);
  check(transfer->received.length < 1000000);
  vi_transfer_supply(transfer, VI_TEXT(""));
  check(vi_text_equal(read_all(transfer, SIZE_MAX), body));
  check(succeeded(transfer));
}
