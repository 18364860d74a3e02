#include "transport/transfer.h"

#include "message/memory.h"
#include "transport/curl_error.h"
#include "transport/loop.h"
#include "transport/receive.h"

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

static long milliseconds(double seconds) {
  return seconds > 0 && seconds < 1e9 ? (long)(seconds * 1000 + 0.5) : 0;
}

/* What holds for every request of the session: set once in a handle's life. */
static void set_session_options(CURL *easy, vi_session *session, vi_transfer *transfer) {
  const vi_session_options *options = &session->options;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, vi_receive_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, vi_receive_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
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

static vi_transfer *create(vi_session *session) {
  vi_transfer *transfer = vi_calloc(sizeof *transfer);
  if (!transfer)
    return NULL;
  transfer->session = session;
  transfer->easy = curl_easy_init();
  if (!transfer->easy) {
    vi_free(transfer);
    return NULL;
  }
  set_session_options(transfer->easy, session, transfer);
  return transfer;
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

static bool set_request_options(vi_transfer *transfer) {
  CURL *easy = transfer->easy;
  const vi_request *request = transfer->request;
  CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, request->url.data);
  if (sends_length(request)) {
    transfer->has_body = true;
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.length ? request->body.data : "");
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

/* Puts the handle back to what set_session_options left: cheaper than a reset by far. */
static void undo_request_options(vi_transfer *transfer) {
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
  curl_slist_free_all(transfer->fields);
  transfer->fields = NULL;
  transfer->has_fields = transfer->custom_method = transfer->has_body = transfer->no_body = false;
}

vi_transfer *vi_transfer_new(vi_session *session, vi_request *request, vi_error *error) {
  if (session->closed) {
    vi_error_set(error, VI_ERROR_CLOSED, "the session is closed");
    return NULL;
  }
  vi_transfer *transfer = session->idle;
  if (transfer)
    session->idle = transfer->next;
  else
    transfer = create(session);
  if (!transfer) {
    vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    return NULL;
  }
  vi_session_retain(session);
  transfer->request = vi_request_retain(request);
  transfer->response = vi_response_new();
  transfer->next = transfer->previous = NULL;
  if (transfer->response && set_request_options(transfer))
    return transfer;
  vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  vi_transfer_release(transfer);
  return NULL;
}

static void join_active(vi_transfer *transfer) {
  vi_session *session = transfer->session;
  transfer->in_flight = true;
  transfer->previous = NULL;
  transfer->next = session->active;
  if (session->active)
    session->active->previous = transfer;
  session->active = transfer;
  session->active_count++;
}

static void leave_active(vi_transfer *transfer) {
  vi_session *session = transfer->session;
  curl_multi_remove_handle(session->multi, transfer->easy);
  if (transfer->previous)
    transfer->previous->next = transfer->next;
  else
    session->active = transfer->next;
  if (transfer->next)
    transfer->next->previous = transfer->previous;
  transfer->next = transfer->previous = NULL;
  transfer->in_flight = false;
  session->active_count--;
}

static void settle(vi_transfer *transfer) {
  transfer->done = true;
  if (transfer->looped && transfer->session->loop)
    vi_loop_push_ready(transfer->session->loop, transfer);
}

void vi_transfer_start(vi_transfer *transfer) {
  transfer->detail[0] = '\0';
  join_active(transfer);
  CURLMcode code = curl_multi_add_handle(transfer->session->multi, transfer->easy);
  if (code == CURLM_OK)
    return;
  vi_transfer_abort(transfer,
                    code == CURLM_OUT_OF_MEMORY ? VI_ERROR_OUT_OF_MEMORY : VI_ERROR_REFUSED,
                    curl_multi_strerror(code));
}

void vi_transfer_wait(vi_transfer *transfer, int timeout) {
  vi_session *session = transfer->session;
  if (transfer->looped || (session->loop && session->active_count > 1)) {
    vi_loop_step(session->loop, timeout);
    return;
  }
  int running;
  CURLMcode code = curl_multi_perform(session->multi, &running);
  vi_session_collect(session);
  if (code == CURLM_OK && !transfer->done)
    code = curl_multi_poll(session->multi, NULL, 0, timeout, NULL);
  if (code != CURLM_OK)
    vi_transfer_abort(transfer, VI_ERROR_OUT_OF_MEMORY, curl_multi_strerror(code));
}

void vi_transfer_finish(vi_transfer *transfer, CURLcode code) {
  leave_active(transfer);
  if (transfer->error.kind != VI_ERROR_NONE) {
    /* A callback stopped the transfer and has said why; libcurl only knows that it did. */
    transfer->error.code = (int)code;
    transfer->error.maybe_sent = true;
  } else if (code != CURLE_OK) {
    vi_curl_error(&transfer->error, transfer->easy, code, transfer->detail, transfer->request);
  } else {
    vi_receive_end(transfer);
  }
  settle(transfer);
}

void vi_transfer_abort(vi_transfer *transfer, vi_error_kind kind, const char *message) {
  if (transfer->done)
    return;
  long sent = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
  vi_error_set(&transfer->error, kind, "%s", message);
  transfer->error.maybe_sent = transfer->in_flight && sent > 0;
  if (transfer->in_flight)
    leave_active(transfer);
  settle(transfer);
}

vi_response *vi_transfer_take_response(vi_transfer *transfer) {
  vi_response *response = transfer->response;
  transfer->response = NULL;
  return response;
}

void vi_transfer_release(vi_transfer *transfer) {
  if (!transfer)
    return;
  vi_session *session = transfer->session;
  if (transfer->in_flight)
    leave_active(transfer);
  else if (transfer->looped && session->loop)
    vi_loop_forget(session->loop, transfer);
  undo_request_options(transfer);
  vi_request_release(transfer->request);
  vi_response_release(transfer->response);
  transfer->request = NULL;
  transfer->response = NULL;
  transfer->waiter = NULL;
  transfer->error = (vi_error){0};
  transfer->head = VI_HEAD_NONE;
  transfer->looped = transfer->done = false;
  if (session->closed) {
    vi_transfer_free(transfer);
  } else {
    transfer->next = session->idle;
    session->idle = transfer;
  }
  vi_session_release(session);
}

void vi_transfer_free(vi_transfer *transfer) {
  curl_easy_cleanup(transfer->easy);
  vi_free(transfer);
}
