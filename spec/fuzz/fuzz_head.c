/* What a server answers, through libcurl: status line and fields, folded ones, interim answers,
 * trailers, chunks and content codings. Whatever it is, it comes to a response within all limits or
 * to an error in words, and to the same once more over a handle that served before.
 *
 * The input: a byte of options, and what the server sends, after which it closes. */
#include "fuzz.h"

#include "transport/streaming.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STREAMED = 1, HEAD = 2, PLAIN = 4, MOST_BODY = 64 * 1024, MOST_INTERIM = 32 };

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listener;

static void remove_socket(void) {
  unlink(address.sun_path);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count, (void)arguments;
  snprintf(address.sun_path, sizeof address.sun_path, "/tmp/viesti-fuzz-%ld", (long)getpid());
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  PROMISE(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
  PROMISE(listen(listener, 8) == 0);
  atexit(remove_socket);
  return 0;
}

static vi_session *new_session(uint8_t choices) {
  vi_session_options options = {.max_body = MOST_BODY, .decode = !(choices & PLAIN), .proxy = ""};
  vi_error error = {0};
  PROMISE(vi_curl_option_add_text(&options.curl, "UNIX_SOCKET_PATH", address.sun_path, &error));
  vi_session *session = vi_session_new(&options, &error);
  PROMISE(session);
  return session;
}

static vi_transfer *new_transfer(vi_session *session, uint8_t choices) {
  vi_text method = choices & HEAD ? VI_TEXT("HEAD") : VI_TEXT("GET");
  vi_request *request =
      vi_request_new(method, VI_TEXT("http://example.org/"), VI_TEXT(""), NULL, NULL);
  PROMISE(request);
  request->streams_response = choices & STREAMED;
  vi_transfer *transfer = vi_transfer_new(session, request, NULL);
  PROMISE(transfer);
  vi_request_release(request);
  return transfer;
}

/* All of it goes into the socket's buffer. */
static int answer(int connection, vi_text bytes) {
  PROMISE(send(connection, bytes.data, bytes.length, MSG_NOSIGNAL) == (ssize_t)bytes.length);
  shutdown(connection, SHUT_WR);
  return connection;
}

/* Sends the request, and lets the transfer work until it is done. */
static void exchange(vi_transfer *transfer, vi_text bytes, size_t *received) {
  int connection = -1;
  vi_transfer_start(transfer);
  vi_transfer_await(transfer, transfer->request->streams_response ? VI_AWAIT_BODY : VI_AWAIT_END);
  for (;;) {
    if (connection < 0 && (connection = accept(listener, NULL, NULL)) >= 0)
      answer(connection, bytes);
    if (transfer->done)
      break;
    vi_transfer_wait(transfer, connection < 0 ? 0 : 100);
    vi_text piece = vi_transfer_peek(transfer);
    if (transfer->request->streams_response) {
      *received += piece.length;
      vi_transfer_consume(transfer, piece.length);
    }
  }
  if (connection >= 0)
    close(connection);
}

static void check_fields(const vi_headers *headers) {
  PROMISE(headers->count <= VI_HEADERS_MAX_FIELDS);
  PROMISE(vi_headers_length(headers) <= VI_HEADERS_MAX_BYTES);
  for (size_t i = 0; i < headers->count; i++) {
    vi_text name = vi_headers_name(headers, i), value = vi_headers_value(headers, i);
    PROMISE(vi_text_is_field_value(name) && vi_text_is_field_value(value));
    PROMISE(vi_text_equal(value, vi_text_trim(value)) && vi_text_equal(name, vi_text_trim(name)));
    PROMISE(name.length > 0 && !memchr(name.data, ':', name.length));
  }
}

static void check_response(const vi_response *response, uint8_t choices) {
  size_t interim = 0;
  vi_text value;
  PROMISE(response->status >= 100 && response->status <= 999);
  PROMISE(vi_text_is_field_value(vi_buffer_text(&response->reason)));
  check_fields(&response->headers);
  PROMISE(vi_headers_count_of(&response->headers, VI_TEXT("Content-Length")) == 0 ||
          vi_headers_get(&response->headers, VI_TEXT("Content-Length"), &value));
  if (vi_buffer_text(&response->encoding).length > 0) {
    PROMISE(!(choices & PLAIN));
    PROMISE(!vi_headers_get(&response->headers, VI_TEXT("Content-Encoding"), &value));
    PROMISE(!vi_headers_get(&response->headers, VI_TEXT("Content-Length"), &value));
  }
  if (!(choices & STREAMED))
    PROMISE(vi_response_body(response).length <= (choices & HEAD ? 0 : MOST_BODY));
  for (const vi_response *before = response->interim; before; before = before->interim) {
    PROMISE(before->status >= 100 && before->status < 200 && ++interim < MOST_INTERIM);
    check_fields(&before->headers);
  }
}

static void check_outcome(vi_transfer *transfer, uint8_t choices) {
  PROMISE(transfer->response || transfer->error.kind != VI_ERROR_NONE);
  if (transfer->error.kind != VI_ERROR_NONE)
    PROMISE(transfer->error.message[0] && !strpbrk(transfer->error.message, "\r\n"));
  if (transfer->response)
    check_response(transfer->response, choices);
}

static bool same_fields(const vi_headers *a, const vi_headers *b) {
  if (a->count != b->count)
    return false;
  for (size_t i = 0; i < a->count; i++)
    if (!vi_text_equal(vi_headers_name(a, i), vi_headers_name(b, i)) ||
        !vi_text_equal(vi_headers_value(a, i), vi_headers_value(b, i)))
      return false;
  return true;
}

static void check_same(const vi_transfer *a, const vi_transfer *b) {
  PROMISE(a->error.kind == b->error.kind && !a->response == !b->response);
  if (!a->response)
    return;
  PROMISE(a->response->status == b->response->status);
  PROMISE(same_fields(&a->response->headers, &b->response->headers));
  PROMISE(vi_text_equal(vi_response_body(a->response), vi_response_body(b->response)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (length == 0)
    return 0;
  vi_text text = {(const char *)bytes + 1, length - 1};
  vi_session *session = new_session(bytes[0]);
  vi_transfer *first = new_transfer(session, bytes[0]), *second = new_transfer(session, bytes[0]);
  size_t first_received = 0, second_received = 0;
  exchange(first, text, &first_received);
  exchange(second, text, &second_received);
  check_outcome(first, bytes[0]);
  check_outcome(second, bytes[0]);
  check_same(first, second);
  PROMISE(first_received == second_received);
  vi_transfer_release(first);
  vi_transfer_release(second);
  vi_session_release(session);
  return 0;
}
