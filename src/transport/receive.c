#include "transport/receive.h"

#include "transport/transfer.h"

#include <string.h>

static bool out_of_memory(vi_transfer *transfer) {
  return vi_error_set(&transfer->error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
}

static bool keep(vi_transfer *transfer, vi_headers_result result) {
  if (result == VI_HEADERS_TOO_LARGE)
    return vi_error_set(&transfer->error, VI_ERROR_TOO_LARGE,
                        "the response has more than %d header fields or %d bytes of them",
                        VI_HEADERS_MAX_FIELDS, VI_HEADERS_MAX_BYTES);
  return result == VI_HEADERS_OK || out_of_memory(transfer);
}

static vi_text strip_line_end(vi_text line) {
  while (line.length > 0 &&
         (line.data[line.length - 1] == '\n' || line.data[line.length - 1] == '\r'))
    line.length--;
  return line;
}

/* Interim answers (RFC 9110 15.2) are few; a server that goes on with them for ever is not. */
enum { MOST_HEADS = 32 };

/* "HTTP/1.1 200 OK", "HTTP/2 200": libcurl has checked the form; the code comes from libcurl. */
static bool begin_head(vi_transfer *transfer, vi_text line) {
  vi_response *response = transfer->response;
  if (++transfer->heads > MOST_HEADS)
    return vi_error_set(&transfer->error, VI_ERROR_TOO_LARGE, "more than %d interim answers",
                        MOST_HEADS);
  vi_headers_clear(&response->headers);
  vi_buffer_clear(&response->reason);
  transfer->head = VI_HEAD_FIELDS;
  const char *space = memchr(line.data, ' ', line.length);
  size_t after_code = space ? (size_t)(space - line.data) + 4 : line.length;
  if (after_code >= line.length)
    return true;
  vi_text reason = {line.data + after_code, line.length - after_code};
  return vi_buffer_append_text(&response->reason, vi_text_trim(reason)) || out_of_memory(transfer);
}

static int http_version_number(long version) {
  switch (version) {
  case CURL_HTTP_VERSION_1_0:
    return 10;
  case CURL_HTTP_VERSION_2_0:
    return 20;
  case CURL_HTTP_VERSION_3:
    return 30;
  default:
    return 11;
  }
}

static void read_facts(vi_transfer *transfer) {
  CURL *easy = transfer->easy;
  vi_response *response = transfer->response;
  long status = 0, version = 0, connects = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
  response->status = (int)status;
  response->http_version = http_version_number(version);
  response->reused = connects == 0;
  curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME, &response->timings.dns);
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME, &response->timings.connect);
  curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME, &response->timings.tls);
  curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME, &response->timings.first_byte);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &response->timings.total);
}

/* libcurl has undone the content coding, so the fields that describe the coded body would lie. */
static bool drop_coding(vi_transfer *transfer) {
  vi_response *response = transfer->response;
  vi_text coding;
  if (!transfer->session->options.decode || transfer->no_body ||
      !vi_headers_get(&response->headers, VI_TEXT("Content-Encoding"), &coding))
    return true;
  if (!vi_headers_join(&response->headers, VI_TEXT("Content-Encoding"), &response->encoding))
    return false;
  vi_headers_remove(&response->headers, VI_TEXT("Content-Encoding"));
  vi_headers_remove(&response->headers, VI_TEXT("Content-Length"));
  return true;
}

/* The head as users see it. */
static bool complete_head(vi_transfer *transfer) {
  vi_response *response = transfer->response;
  read_facts(transfer);
  return (drop_coding(transfer) &&
          vi_buffer_append_text(&response->url, vi_buffer_text(&transfer->request->url))) ||
         out_of_memory(transfer);
}

/* RFC 9112 6.3: where a length decides where the body ends, there must be one, and a number.
 * libcurl takes the last of several, and reads on to the end if a number is too large for it. */
static bool check_length(vi_transfer *transfer) {
  const vi_headers *headers = &transfer->response->headers;
  vi_text name = VI_TEXT("Content-Length");
  int64_t length = -1;
  for (size_t i = vi_headers_find(headers, name, 0); i < headers->count;
       i = vi_headers_find(headers, name, i + 1)) {
    int64_t value;
    if (!vi_text_to_integer(vi_headers_value(headers, i), &value) || value == INT64_MAX)
      return vi_error_set(&transfer->error, VI_ERROR_PROTOCOL, "Content-Length is no length");
    if (length >= 0 && value != length)
      return vi_error_set(&transfer->error, VI_ERROR_PROTOCOL,
                          "there are two Content-Lengths, and they differ");
    length = value;
  }
  return true;
}

/* The head of a 1xx answer is followed by another one (RFC 9110 15.2). */
static bool end_head(vi_transfer *transfer) {
  long status = 0;
  transfer->head = VI_HEAD_DONE;
  if (!check_length(transfer))
    return false;
  if (!transfer->request->streams_response)
    return true;
  curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200)
    return true;
  transfer->head_complete = complete_head(transfer);
  vi_transfer_note(transfer);
  return transfer->head_complete;
}

static bool receive_line(vi_transfer *transfer, vi_text line) {
  bool starts_head = transfer->head == VI_HEAD_NONE || transfer->head == VI_HEAD_DONE;
  if (starts_head && vi_text_starts_nocase(line, VI_TEXT("HTTP/")))
    return begin_head(transfer, line);
  if (transfer->head != VI_HEAD_FIELDS)
    return true; /* a trailer field: not to be merged into the head (RFC 9110 6.5.1) */
  if (line.length == 0)
    return end_head(transfer);
  vi_headers *headers = &transfer->response->headers;
  if (line.data[0] == ' ' || line.data[0] == '\t')
    return keep(transfer, vi_headers_fold(headers, vi_text_trim(line)));
  const char *colon = memchr(line.data, ':', line.length);
  if (!colon || colon == line.data)
    return true; /* no field; the ones around it still are */
  vi_text name = {line.data, (size_t)(colon - line.data)};
  vi_text value = {colon + 1, line.length - name.length - 1};
  return keep(transfer, vi_headers_add(headers, vi_text_trim(name), vi_text_trim(value)));
}

size_t vi_receive_head(char *data, size_t size, size_t count, void *user) {
  vi_text line = strip_line_end((vi_text){data, size * count});
  return receive_line(user, line) ? size * count : 0;
}

/* No more than this is allocated on a server's mere word. */
enum { BELIEVED_LENGTH = 16 * 1024 * 1024 };

enum { LARGE_BODY = 1024 * 1024 };

static bool begin_body(vi_transfer *transfer) {
  transfer->head = VI_HEAD_BODY;
  curl_off_t announced = -1;
  curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  transfer->session->bodies_are_large = announced >= LARGE_BODY;
  if (announced <= 0 || announced > BELIEVED_LENGTH ||
      (uint64_t)announced > transfer->session->options.max_body)
    return true;
  return vi_buffer_reserve_exactly(&transfer->response->body->bytes, (size_t)announced) ||
         out_of_memory(transfer);
}

/* As much of a streamed body as is held for a slow reader. */
enum { STREAM_HOLDS = 256 * 1024 };

static size_t receive_piece(vi_transfer *transfer, const char *data, size_t length) {
  if (transfer->stream.length >= STREAM_HOLDS) {
    transfer->stream_paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  transfer->head = VI_HEAD_BODY;
  if (!vi_buffer_append(&transfer->stream, data, length)) {
    out_of_memory(transfer);
    return 0;
  }
  vi_transfer_note(transfer);
  return length;
}

size_t vi_receive_body(char *data, size_t size, size_t count, void *user) {
  vi_transfer *transfer = user;
  size_t length = size * count;
  if (transfer->request->streams_response)
    return receive_piece(transfer, data, length);
  vi_buffer *body = &transfer->response->body->bytes;
  if (transfer->head != VI_HEAD_BODY && !begin_body(transfer))
    return 0;
  if (length > transfer->session->options.max_body - body->length) {
    vi_error_set(&transfer->error, VI_ERROR_TOO_LARGE, "the body is larger than max_body (%zu)",
                 transfer->session->options.max_body);
    return 0;
  }
  if (!vi_buffer_append(body, data, length)) {
    out_of_memory(transfer);
    return 0;
  }
  return length;
}

void vi_receive_end(vi_transfer *transfer) {
  if (transfer->head_complete || !complete_head(transfer))
    return; /* a streamed response may have been taken already */
  vi_buffer *body = &transfer->response->body->bytes;
  if (body->capacity > 2 * body->length)
    vi_buffer_shrink(body);
}
