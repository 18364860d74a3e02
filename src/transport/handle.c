#include "transport/handle.h"

#include "transport/loop.h"
#include "transport/receive.h"
#include "transport/transfer.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  vi_session *session = user;
  int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd >= 0 && session->loop && !vi_loop_note_socket(session->loop, fd, true)) {
    close(fd);
    return CURL_SOCKET_BAD;
  }
  return fd;
}

static int close_socket(void *user, curl_socket_t fd) {
  vi_session *session = user;
  if (session->loop)
    vi_loop_note_socket(session->loop, fd, false);
  return close(fd);
}

/* libcurl sends a request again by itself when a kept connection dies before the reply. It may not
 * for a method that is not idempotent (RFC 9110 9.2.2): such a body is read through these two, of
 * which the second keeps libcurl from reading it twice. */
static size_t read_body(char *buffer, size_t size, size_t count, void *user) {
  vi_transfer *transfer = user;
  const vi_buffer *body = &transfer->request->body;
  size_t left = body->length - transfer->body_sent;
  size_t length = left < size * count ? left : size * count;
  memcpy(buffer, body->data + transfer->body_sent, length);
  transfer->body_sent += length;
  return length;
}

static int refuse_seek(void *user, curl_off_t offset, int origin) {
  (void)user;
  (void)offset;
  (void)origin;
  return CURL_SEEKFUNC_FAIL;
}

static long milliseconds(double seconds) {
  return seconds > 0 && seconds < 1e9 ? (long)(seconds * 1000 + 0.5) : 0;
}

/* What holds for every request of the session: set once in a handle's life. */
static void set_session_options(CURL *easy, vi_transfer *transfer) {
  vi_session *session = transfer->session;
  const vi_session_options *options = &session->options;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, vi_receive_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, vi_receive_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
  curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, refuse_seek);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, session);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, session);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(options->timeout));
  /* libcurl's 0 means its own default of 300 s here. */
  long connect = milliseconds(options->connect_timeout);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect ? connect : 1000000000L);
  if (options->idle_timeout > 0) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                     (milliseconds(options->idle_timeout) + 999) / 1000);
  }
  if (options->decode)
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->verify ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->verify ? 2L : 0L);
  if (options->ca)
    curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca);
  if (options->proxy)
    curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy);
  if (options->http_version == VI_HTTP_1_1)
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  if (options->http_version == VI_HTTP_2)
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

CURL *vi_handle_new(vi_transfer *transfer) {
  CURL *easy = curl_easy_init();
  if (easy)
    set_session_options(easy, transfer);
  return easy;
}

/* Appends "name: value" in libcurl's notation, in which an empty value is written "name;". */
static bool append_field(struct curl_slist **list, vi_buffer *line, vi_text name, vi_text value) {
  vi_buffer_clear(line);
  if (!vi_buffer_append_text(line, name) ||
      !vi_buffer_append_text(line, value.length ? VI_TEXT(": ") : VI_TEXT(";")) ||
      !vi_buffer_append_text(line, value) || !vi_buffer_terminate(line))
    return false;
  struct curl_slist *longer = curl_slist_append(*list, line->data);
  if (longer)
    *list = longer;
  return longer != NULL;
}

/* A line "name:" keeps libcurl from adding that field by itself. */
static bool suppress_field(struct curl_slist **list, const vi_headers *given, vi_text name,
                           const char *line) {
  if (vi_headers_find(given, name, 0) < given->count)
    return true;
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (longer)
    *list = longer;
  return longer != NULL;
}

static bool build_fields(vi_transfer *transfer) {
  const vi_headers *headers = &transfer->request->headers;
  vi_buffer line = {0};
  bool ok = true;
  for (size_t i = 0; ok && i < headers->count; i++)
    ok = append_field(&transfer->fields, &line, vi_headers_name(headers, i),
                      vi_headers_value(headers, i));
  if (ok && transfer->has_body)
    ok = suppress_field(&transfer->fields, headers, VI_TEXT("Content-Type"), "Content-Type:") &&
         suppress_field(&transfer->fields, headers, VI_TEXT("Expect"), "Expect:");
  vi_buffer_free(&line);
  return ok;
}

static bool is_method(const vi_request *request, const char *method) {
  return strcmp(request->method.data, method) == 0;
}

/* A request without a body whose method expects one says so with a length of 0 (RFC 9110 8.6). */
static bool sends_length(const vi_request *request) {
  return request->has_body || is_method(request, "POST") || is_method(request, "PUT") ||
         is_method(request, "PATCH");
}

static void set_body(vi_transfer *transfer) {
  CURL *easy = transfer->easy;
  const vi_buffer *body = &transfer->request->body;
  transfer->has_body = true;
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length);
  if (vi_request_is_idempotent(transfer->request) || body->length == 0)
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->length ? body->data : "");
  else
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
}

bool vi_handle_set_request(vi_transfer *transfer) {
  CURL *easy = transfer->easy;
  const vi_request *request = transfer->request;
  CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, request->url.data);
  if (sends_length(request))
    set_body(transfer);
  if (request->body.length == 0 && !vi_request_is_idempotent(request)) {
    /* Without a body to refuse reading again, only a connection that is not kept is safe. */
    transfer->fresh_connection = true;
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  }
  if (is_method(request, "HEAD")) {
    transfer->no_body = true;
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (!is_method(request, transfer->has_body ? "POST" : "GET")) {
    transfer->custom_method = true;
    if (code == CURLE_OK)
      code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method.data);
  }
  bool ok = build_fields(transfer);
  if (transfer->fields) {
    transfer->has_fields = true;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fields);
  }
  return ok && code == CURLE_OK;
}

void vi_handle_unset_request(vi_transfer *transfer) {
  CURL *easy = transfer->easy;
  if (transfer->has_fields)
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
  if (transfer->custom_method)
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
  if (transfer->has_body) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
  }
  if (transfer->has_body || transfer->no_body)
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* takes NOBODY back too */
  if (transfer->fresh_connection)
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 0L);
  curl_slist_free_all(transfer->fields);
  transfer->fields = NULL;
  transfer->body_sent = 0;
  transfer->has_fields = transfer->custom_method = transfer->has_body = transfer->no_body = false;
  transfer->fresh_connection = false;
}
