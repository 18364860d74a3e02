#include "transport/handle.h"

#include "message/descriptor.h"
#include "message/memory.h"
#include "message/url.h"
#include "transport/fold_guard.h"
#include "transport/receive.h"
#include "transport/sockets.h"
#include "transport/transfer.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  vi_handle *handle = user;
  int fd = vi_open_socket(address->family, address->socktype, address->protocol);
  handle->socket_errno = fd < 0 ? errno : 0;
  if (fd >= 0 && !vi_sockets_add(handle->session, fd)) {
    vi_error_set(&handle->transfer->error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    vi_sockets_remove(handle->session, fd);
    close(fd);
    return CURL_SOCKET_BAD;
  }
  return fd;
}

static int close_socket(void *user, curl_socket_t fd) {
  vi_sockets_remove(user, fd);
  return close(fd);
}

/* libcurl sends a request again by itself when a kept connection dies before the response. It may
 * not for a method that is not idempotent (RFC 9110 9.2.2): such a body is read through these two,
 * of which the second keeps libcurl from reading it twice; see note_connection for those without.
 */
static size_t read_body(char *buffer, size_t size, size_t count, void *user) {
  vi_transfer *transfer = ((vi_handle *)user)->transfer;
  bool streams = transfer->request->streams_body;
  const vi_buffer *body = streams ? &transfer->upload : &transfer->request->body;
  if (streams && transfer->body_sent == body->length && !transfer->upload_ended) {
    transfer->upload_starved = true;
    vi_transfer_note(transfer);
    return CURL_READFUNC_PAUSE;
  }
  size_t left = body->length - transfer->body_sent;
  size_t length = left < size * count ? left : size * count;
  if (length > 0)
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

/* CURLOPT_PREREQFUNCTION: libcurl has a connection and sends the request next. What had a fresh one
 * it sends again if that died after others had come to share it. */
static int note_connection(void *user, char *remote, char *local, int remote_port, int local_port) {
  (void)remote;
  (void)local;
  (void)remote_port;
  (void)local_port;
  vi_handle *handle = user;
  vi_transfer *transfer = handle->transfer;
  bool again = transfer->connected && transfer->heads == 0;
  transfer->connected = true;
  if (!again || !handle->fresh_connection)
    return CURL_PREREQFUNC_OK;
  vi_error_set(&transfer->error, VI_ERROR_RESET,
               "the connection died, and the request may not be sent twice");
  return CURL_PREREQFUNC_ABORT;
}

/* 0: no limit, which no time is too short to be. */
static long milliseconds(double seconds) {
  if (seconds <= 0 || seconds >= 1e9)
    return 0;
  return seconds < 0.001 ? 1 : (long)(seconds * 1000 + 0.5);
}

/* False: out of memory. What this libcurl does not know, a CAPATH for one, it does not have. */
static bool set_text(CURL *easy, CURLoption option, const char *text) {
  return curl_easy_setopt(easy, option, text) != CURLE_OUT_OF_MEMORY;
}

/* libcurl keeps the parsed authorities from connection to connection only if there is no directory
 * of them, and reading them costs more than the rest of a handshake. Without a file there is no
 * choice: a system that has only the directory keeps it. */
static bool set_trust(CURL *easy, const vi_session_options *options) {
  const char *file = options->ca;
  if (!file && options->trust_env)
    file = getenv("SSL_CERT_FILE");
  bool chosen = file && *file;
  if (!chosen)
    file = curl_version_info(CURLVERSION_NOW)->cainfo;
  if (!chosen && (!file || access(file, R_OK) != 0))
    return true;
  return set_text(easy, CURLOPT_CAINFO, file) && set_text(easy, CURLOPT_CAPATH, NULL) &&
         set_text(easy, CURLOPT_PROXY_CAINFO, file) && set_text(easy, CURLOPT_PROXY_CAPATH, NULL);
}

/* A proxy that speaks TLS itself is trusted no sooner than an origin. */
static void set_verification(CURL *easy, const vi_session_options *options) {
  long peer = options->verify ? 1 : 0, host = options->verify ? 2 : 0;
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, peer);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, host);
  curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, peer);
  curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, host);
  curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION,
                   (long)vi_curl_options_number(options->curl, CURLOPT_SSLVERSION));
}

static bool set_proxy(CURL *easy, const vi_session *session) {
  const char *proxy = session->options.proxy;
  if (!proxy && session->proxy_in_environment)
    return true;
  return set_text(easy, CURLOPT_PROXY, proxy ? proxy : "") && set_text(easy, CURLOPT_NOPROXY, "");
}

static void set_callbacks(vi_handle *handle) {
  CURL *easy = handle->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, handle);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->detail);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, vi_receive_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, handle);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, vi_receive_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, handle);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
  curl_easy_setopt(easy, CURLOPT_READDATA, handle);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, refuse_seek);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, note_connection);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, handle);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, handle);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, handle->session);
}

static void set_timeouts(CURL *easy, const vi_session_options *options) {
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(options->timeout));
  /* libcurl's 0 means its own default of 300 s here. */
  long connect = milliseconds(options->connect_timeout);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect ? connect : 1000000000L);
  if (options->low_speed_limit > 0) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, options->low_speed_limit);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, options->low_speed_time);
  }
}

static void set_http_version(CURL *easy, vi_http_version version) {
  if (version == VI_HTTP_1_1)
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  if (version == VI_HTTP_2)
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  if (version == VI_HTTP_3)
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_3);
}

/* What holds for every request of the session: set once in a handle's life. False: out of memory,
 * and none of the options may be missing. */
static bool set_session_options(CURL *easy, const vi_session *session) {
  const vi_session_options *options = &session->options;
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  /* Else whatever ends a transfer would wait for its name to be looked up, and all others with it:
   * the resolver's thread frees itself when it is done. */
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, session->fields.lines);
  set_timeouts(easy, options);
  set_verification(easy, options);
  set_http_version(easy, options->http_version);
  curl_easy_setopt(easy, CURLOPT_SHARE, session->share);
  bool ok = set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https") && set_trust(easy, options) &&
            set_proxy(easy, session);
  if (options->cookies)
    ok = ok && set_text(easy, CURLOPT_COOKIEFILE, ""); /* switches the engine on */
  /* Of these libcurl refuses none: they were tried when the session was made. */
  return ok && vi_curl_options_set(options->curl, easy, NULL);
}

vi_handle *vi_handle_new(vi_session *session) {
  vi_handle *handle = vi_malloc(sizeof *handle);
  if (!handle)
    return NULL;
  memset(handle, 0, offsetof(vi_handle, room));
  handle->session = session;
  handle->url = curl_url();
  handle->easy = curl_easy_init();
  if (handle->easy && handle->url && set_session_options(handle->easy, session)) {
    set_callbacks(handle);
    handle->guards_folds = vi_fold_guard_set(handle->easy);
    return handle;
  }
  vi_handle_free(handle);
  return NULL;
}

void vi_handle_free(vi_handle *handle) {
  if (!handle)
    return;
  curl_easy_cleanup(handle->easy);
  curl_url_cleanup(handle->url);
  vi_buffer_free(&handle->origin);
  vi_buffer_free(&handle->path);
  vi_fields_free(&handle->fields);
  vi_headers_free(&handle->head);
  vi_buffer_free(&handle->reason);
  vi_buffer_free(&handle->coded);
  vi_decoder_free(&handle->decoder);
  vi_free(handle);
}

/* A line "name:" keeps libcurl from adding that field: a type that the caller did not give, and
 * the wait for permission to send a large body. */
static const char *const SUPPRESSED_WITH_BODY[] = {"Content-Type:", "Expect:", NULL};
static const char *const SUPPRESSED_WITH_PARTS[] = {"Expect:", NULL};

static const char *const *suppressed(const vi_handle *handle) {
  if (handle->mime.mime)
    return SUPPRESSED_WITH_PARTS;
  return handle->has_body ? SUPPRESSED_WITH_BODY : NULL;
}

static const vi_fields *common_fields(const vi_session *session, const vi_request *request) {
  bool ranged = vi_headers_has(&request->headers, VI_TEXT("Range"));
  return ranged ? &session->range_fields : &session->fields;
}

static bool set_fields(vi_handle *handle, const vi_request *request) {
  bool ok = true;
  struct curl_slist *lines =
      vi_fields_build(&handle->fields, &request->headers, &request->omitted, suppressed(handle),
                      common_fields(handle->session, request), &ok);
  handle->own_fields = lines != handle->session->fields.lines;
  if (handle->own_fields)
    curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, lines);
  handle->own_cookies = handle->fields.cookies.length > 0;
  if (handle->own_cookies)
    ok = set_text(handle->easy, CURLOPT_COOKIE, handle->fields.cookies.data) && ok;
  return ok;
}

/* Sets path and query alone where the origin is that of the handle's last request, which spares
 * libcurl the parsing of the whole. The request's URL is in normal form: nothing that stands in it
 * can end a line or be a dot segment. */
static CURLUcode set_path(vi_handle *handle, vi_text path) {
  vi_buffer *text = &handle->path;
  vi_buffer_clear(text);
  if (!vi_buffer_append_text(text, path) || !vi_buffer_terminate(text))
    return CURLUE_OUT_OF_MEMORY;
  char *query = memchr(text->data, '?', text->length);
  if (query)
    *query++ = '\0';
  CURLUcode code = curl_url_set(handle->url, CURLUPART_PATH, text->data, 0);
  return code ? code : curl_url_set(handle->url, CURLUPART_QUERY, query, 0);
}

static bool set_url(vi_handle *handle, const vi_request *request) {
  vi_text url = vi_buffer_text(&request->url);
  vi_text origin = vi_url_origin(url);
  vi_text path = {url.data + origin.length, url.length - origin.length};
  bool empty_query = url.data[url.length - 1] == '?'; /* kept by a full parse alone */
  bool escaped = memchr(path.data, '%', path.length); /* and so is the case of its digits */
  if (!empty_query && !escaped && vi_text_equal(origin, vi_buffer_text(&handle->origin)))
    return set_path(handle, path) == CURLUE_OK;
  vi_buffer_clear(&handle->origin);
  return curl_url_set(handle->url, CURLUPART_URL, url.data, 0) == CURLUE_OK &&
         (empty_query || vi_buffer_append_text(&handle->origin, origin)) &&
         curl_easy_setopt(handle->easy, CURLOPT_CURLU, handle->url) == CURLE_OK;
}

/* A request without a body whose method expects one says so with a length of 0 (RFC 9110 8.6). */
static bool sends_length(const vi_request *request) {
  return request->has_body || request->streams_body || request->multipart ||
         vi_request_has_method(request, "POST") || vi_request_has_method(request, "PUT") ||
         vi_request_has_method(request, "PATCH");
}

/* What libcurl receives at once where the body is, or is likely to be, large: for small ones it
 * would cost more than it gains. */
static const long LARGE_BUFFER = 128 * 1024;

static bool set_body(vi_handle *handle, const vi_request *request, vi_error *error) {
  CURL *easy = handle->easy;
  const vi_buffer *body = &request->body;
  handle->has_body = true;
  if (request->multipart)
    return vi_mime_set(&handle->mime, easy, request->multipart, vi_request_is_idempotent(request),
                       error);
  bool streams = request->streams_body;
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   streams ? request->body_length : (curl_off_t)body->length);
  if (!streams && (vi_request_is_idempotent(request) || body->length == 0))
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->length ? body->data : "");
  else
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
  return true;
}

static bool has_bytes(const vi_request *request) {
  if (request->multipart)
    return vi_multipart_length(request->multipart) > 0;
  return request->streams_body ? request->body_length != 0 : request->body.length > 0;
}

static bool set_method(vi_handle *handle, const vi_request *request) {
  CURL *easy = handle->easy;
  if (vi_request_has_method(request, "HEAD")) {
    handle->no_body = true;
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (!vi_request_has_method(request, handle->has_body ? "POST" : "GET")) {
    handle->custom_method = true;
    return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method.data) == CURLE_OK;
  }
  return true;
}

bool vi_handle_set_request(vi_handle *handle, vi_transfer *transfer, double waited) {
  CURL *easy = handle->easy;
  const vi_request *request = transfer->request;
  handle->transfer = transfer;
  handle->detail[0] = '\0';
  handle->socket_errno = 0;
  bool ok = set_url(handle, request);
  if (sends_length(request))
    ok = set_body(handle, request, &transfer->error) && ok;
  if (!has_bytes(request) && !vi_request_is_idempotent(request)) {
    /* Without bytes to refuse reading again, no connection that was kept is safe. */
    handle->fresh_connection = true;
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  }
  if (request->streams_response || handle->session->bodies_are_large) {
    handle->large_buffer = true;
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, LARGE_BUFFER);
  }
  if (waited > 0 || request->timeout >= 0 || transfer->by_deadline) {
    handle->own_timeout = true;
    double left = transfer->limit - waited;
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     transfer->limit > 0 && left <= 0 ? 1L : milliseconds(left));
  }
  ok = set_method(handle, request) && ok;
  return set_fields(handle, request) && ok;
}

void vi_handle_unset_request(vi_handle *handle) {
  CURL *easy = handle->easy;
  if (handle->own_fields)
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, handle->session->fields.lines);
  if (handle->own_cookies)
    curl_easy_setopt(easy, CURLOPT_COOKIE, NULL);
  if (handle->custom_method)
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
  if (handle->has_body) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
  }
  vi_mime_unset(&handle->mime, easy);
  if (handle->has_body || handle->no_body)
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* takes NOBODY back too */
  if (handle->fresh_connection)
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 0L);
  if (handle->large_buffer)
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)CURL_MAX_WRITE_SIZE);
  if (handle->own_timeout)
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(handle->session->options.timeout));
  handle->own_fields = handle->own_cookies = handle->custom_method = handle->has_body = false;
  handle->no_body = handle->fresh_connection = handle->large_buffer = handle->own_timeout = false;
  vi_buffer_clear(&handle->coded);
  vi_decoder_stop(&handle->decoder);
  handle->transfer = NULL;
}
