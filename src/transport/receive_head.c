#include "transport/receive.h"

#include "transport/fold_guard.h"
#include "transport/transfer.h"

#include <arpa/inet.h>
#include <string.h>

bool vi_receive_out_of_memory(vi_transfer *transfer) {
  return vi_error_set(&transfer->error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
}

static bool keep(vi_transfer *transfer, vi_headers_result result) {
  if (result == VI_HEADERS_TOO_LARGE)
    return vi_error_set(&transfer->error, VI_ERROR_TOO_LARGE,
                        "the response has more than %d header fields or %d bytes of them",
                        VI_HEADERS_MAX_FIELDS, VI_HEADERS_MAX_BYTES);
  return result == VI_HEADERS_OK || vi_receive_out_of_memory(transfer);
}

static vi_text strip_line_end(vi_text line) {
  while (line.length > 0 &&
         (line.data[line.length - 1] == '\n' || line.data[line.length - 1] == '\r'))
    line.length--;
  return line;
}

/* Interim answers (RFC 9110 15.2) are few; a server that goes on with them for ever is not. */
enum { MOST_HEADS = 32 };

static int http_version_of(CURL *easy) {
  long version = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
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

/* Whether the connection speaks the version of its answer's status line. libcurl takes any server's
 * word for it, but has a pseudo field only of what came in frames of HTTP/2; one of HTTP/3 it makes
 * nowhere but where that was asked for. */
static bool is_spoken(const vi_transfer *transfer, int version) {
  if (version < 20)
    return true;
  if (!vi_text_starts_nocase(vi_buffer_text(&transfer->request->url), VI_TEXT("https:")))
    return false;
  if (version >= 30)
    return transfer->session->options.http_version == VI_HTTP_3;
  struct curl_header *status;
  CURLHcode code =
      curl_easy_header(transfer->handle->easy, ":status", 0, CURLH_PSEUDO, -1, &status);
  return code == CURLHE_OK || code == CURLHE_NOT_BUILT_IN;
}

/* "HTTP/1.1 200 OK", "HTTP/2 200": libcurl has checked the form; the code comes from libcurl. */
static bool begin_head(vi_transfer *transfer, vi_text line) {
  vi_handle *handle = transfer->handle;
  if (transfer->head_complete) /* libcurl has asked again, to authenticate for one */
    return vi_error_set(&transfer->error, VI_ERROR_PROTOCOL, "another head came behind the first");
  if (++transfer->heads > MOST_HEADS)
    return vi_error_set(&transfer->error, VI_ERROR_TOO_LARGE, "more than %d interim answers",
                        MOST_HEADS);
  if (!is_spoken(transfer, http_version_of(handle->easy)))
    return vi_error_set(&transfer->error, VI_ERROR_PROTOCOL,
                        "the answer claims a version of HTTP that its connection does not speak");
  vi_headers_clear(&handle->head);
  vi_buffer_clear(&handle->reason);
  transfer->encoding = (vi_text){0};
  vi_decoder_stop(&handle->decoder);
  transfer->head = VI_HEAD_FIELDS;
  if (handle->guards_folds)
    vi_fold_guard_arm(handle->easy);
  const char *space = memchr(line.data, ' ', line.length);
  size_t after_code = space ? (size_t)(space - line.data) + 4 : line.length;
  if (after_code >= line.length)
    return true;
  vi_text reason = {line.data + after_code, line.length - after_code};
  return vi_buffer_append_text(&handle->reason, vi_text_trim(reason)) ||
         vi_receive_out_of_memory(transfer);
}

/* For a Unix socket libcurl gives its path. */
static bool is_ip(const char *address) {
  struct in6_addr parsed;
  return strlen(address) < VI_ADDRESS_SIZE &&
         (inet_pton(AF_INET, address, &parsed) == 1 || inet_pton(AF_INET6, address, &parsed) == 1);
}

static void read_facts(vi_response *response, CURL *easy) {
  long status = 0, connects = 0, port = 0;
  const char *address = NULL;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
  curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
  curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port);
  response->status = (int)status;
  response->http_version = http_version_of(easy);
  response->reused = connects == 0;
  if (address && is_ip(address)) {
    strcpy(response->remote_address, address);
    response->remote_port = (uint16_t)port;
  }
  curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME, &response->timings.dns);
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME, &response->timings.connect);
  curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME, &response->timings.tls);
  curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME, &response->timings.first_byte);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &response->timings.total);
}

/* A response of the final head; takes over the body's reference. NULL, with the transfer's error:
 * out of memory. */
static vi_response *response_of(vi_transfer *transfer, vi_body *body) {
  vi_handle *handle = transfer->handle;
  vi_response *response =
      vi_response_make(vi_buffer_text(&transfer->request->url), vi_buffer_text(&handle->reason),
                       transfer->encoding, &handle->head, body);
  if (response)
    read_facts(response, handle->easy);
  else
    vi_receive_out_of_memory(transfer);
  return response;
}

bool vi_receive_complete_head(vi_transfer *transfer, vi_body *body) {
  vi_response *response = response_of(transfer, body);
  if (!response)
    return false;
  transfer->session->multiplexes = response->http_version >= 20;
  transfer->session->has_multiplexed |= transfer->session->multiplexes;
  response->unbounded = transfer->unbounded;
  response->interim = transfer->interim;
  transfer->interim = NULL;
  transfer->response = response;
  return true;
}

/* The 1xx answers come out in the end as one list, the last one in front. */
static bool keep_interim(vi_transfer *transfer, long status) {
  vi_handle *handle = transfer->handle;
  vi_response *interim =
      vi_response_make(vi_buffer_text(&transfer->request->url), vi_buffer_text(&handle->reason),
                       VI_TEXT(""), &handle->head, NULL);
  if (!interim)
    return vi_receive_out_of_memory(transfer);
  interim->status = (int)status;
  interim->http_version = http_version_of(handle->easy);
  interim->interim = transfer->interim;
  transfer->interim = interim;
  return true;
}

/* The codings that a field value lists, but for "identity", which is none. The last one goes to
 * *coding. */
static size_t count_codings(vi_text value, vi_text *coding) {
  size_t count = 0;
  while (value.length > 0) {
    const char *comma = memchr(value.data, ',', value.length);
    size_t length = comma ? (size_t)(comma - value.data) : value.length;
    vi_text item = vi_text_trim((vi_text){value.data, length});
    if (item.length > 0 && !vi_text_equal_nocase(item, VI_TEXT("identity"))) {
      *coding = item;
      count++;
    }
    length += comma != NULL;
    value = (vi_text){value.data + length, value.length - length};
  }
  return count;
}

/* Likewise for all fields of that name. */
static size_t count_codings_of(const vi_headers *head, vi_text name, vi_text *coding) {
  size_t count = 0;
  for (size_t i = vi_headers_find(head, name, 0); i < head->count;
       i = vi_headers_find(head, name, i + 1))
    count += count_codings(vi_headers_value(head, i), coding);
  return count;
}

static bool has_body(const vi_transfer *transfer, long status) {
  return !transfer->handle->no_body && status != 204 && status != 304;
}

/* A part of a coded body cannot be decoded by itself (RFC 9110 14.2). */
static bool has_coded_body(const vi_transfer *transfer, long status) {
  return has_body(transfer, status) && status != 206;
}

/* Gets ready to undo the content coding. The fields that describe the coded body would lie then;
 * of a 304 too, since they are about a body that was decoded when it came. */
static bool undo_coding(vi_transfer *transfer, long status) {
  vi_headers *head = &transfer->handle->head;
  vi_text name = VI_TEXT("Content-Encoding"), coding = {0};
  size_t count = count_codings_of(head, name, &coding);
  bool decodes = transfer->session->options.decode && has_coded_body(transfer, status);
  if (decodes && count > 1)
    return vi_error_set(&transfer->error, VI_ERROR_PROTOCOL,
                        "the body has %zu content codings, one on the other", count);
  vi_coding known = vi_decoder_coding_of(coding);
  if (known == VI_CODING_NONE || !transfer->session->options.decode || !(decodes || status == 304))
    return true;
  transfer->encoding = coding; /* its bytes stay in the block */
  vi_headers_remove(head, name);
  vi_headers_remove(head, VI_TEXT("Content-Length"));
  return !decodes || vi_decoder_begin(&transfer->handle->decoder, known) ||
         vi_receive_out_of_memory(transfer);
}

/* RFC 9112 6.3: where a length decides where the body ends, there must be one, and a number.
 * libcurl takes the last of several, and reads on to the end if a number is too large for it. */
static bool check_length(vi_transfer *transfer) {
  const vi_headers *headers = &transfer->handle->head;
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

/* RFC 9112 6.1, 7.4: no transfer coding but chunks may come unasked. libcurl would undo others, and
 * expand them without a bound. */
static bool check_transfer_coding(vi_transfer *transfer, long status) {
  vi_text coding = {0};
  size_t count = count_codings_of(&transfer->handle->head, VI_TEXT("Transfer-Encoding"), &coding);
  return count == 0 || !has_body(transfer, status) ||
         (count == 1 && vi_text_equal_nocase(coding, VI_TEXT("chunked"))) ||
         vi_error_set(&transfer->error, VI_ERROR_PROTOCOL,
                      "the body has a transfer coding that was not asked for");
}

/* RFC 9112 6.3: without a length or chunks the body lasts until the connection ends, by whoever's
 * will. HTTP/2 and 3 mark the end themselves. */
static bool is_unbounded(const vi_transfer *transfer, long status) {
  const vi_headers *head = &transfer->handle->head;
  vi_text value;
  return http_version_of(transfer->handle->easy) < 20 && has_body(transfer, status) &&
         !vi_headers_get(head, VI_TEXT("Content-Length"), &value) &&
         count_codings_of(head, VI_TEXT("Transfer-Encoding"), &value) == 0;
}

/* The head of a 1xx answer is followed by another one (RFC 9110 15.2); but for 101, after which
 * another protocol begins: nothing here asks for one, or could speak it (15.2.2). */
static bool end_head(vi_transfer *transfer) {
  long status = 0;
  curl_easy_getinfo(transfer->handle->easy, CURLINFO_RESPONSE_CODE, &status);
  transfer->head = VI_HEAD_DONE;
  if (!check_length(transfer))
    return false;
  if (status == 101)
    return vi_error_set(&transfer->error, VI_ERROR_PROTOCOL,
                        "the server switched to another protocol (101)");
  if (status < 200)
    return keep_interim(transfer, status);
  transfer->unbounded = is_unbounded(transfer, status);
  if (!check_transfer_coding(transfer, status) || !undo_coding(transfer, status))
    return false;
  if (transfer->request->streams_response)
    transfer->head_complete = vi_receive_complete_head(transfer, NULL);
  else if (transfer->request->reports_head)
    transfer->head_news = response_of(transfer, NULL);
  else
    return true;
  vi_transfer_note(transfer);
  return transfer->head_complete || transfer->head_news;
}

/* A trailer field is not to be merged into the head (RFC 9110 6.5.1), nor to go on for ever. */
static bool pass_trailer(vi_transfer *transfer, vi_text line) {
  transfer->trailer_bytes += line.length + 1;
  return transfer->trailer_bytes <= VI_HEADERS_MAX_BYTES ||
         vi_error_set(&transfer->error, VI_ERROR_TOO_LARGE, "more than %d bytes of trailer fields",
                      VI_HEADERS_MAX_BYTES);
}

static bool receive_line(vi_transfer *transfer, vi_text line) {
  bool starts_head = transfer->head == VI_HEAD_NONE || transfer->head == VI_HEAD_DONE;
  if (starts_head && vi_text_starts_nocase(line, VI_TEXT("HTTP/")))
    return begin_head(transfer, line);
  if (transfer->head != VI_HEAD_FIELDS)
    return pass_trailer(transfer, line);
  if (line.length == 0)
    return end_head(transfer);
  vi_headers *headers = &transfer->handle->head;
  bool is_folded = line.data[0] == ' ' || line.data[0] == '\t';
  if (line.data[0] == VI_FOLD_MARK || (is_folded && headers->count == 0))
    return vi_error_set(&transfer->error, VI_ERROR_PROTOCOL, "no header line begins like that");
  if (is_folded)
    return transfer->passes_folds || keep(transfer, vi_headers_fold(headers, vi_text_trim(line)));
  const char *colon = memchr(line.data, ':', line.length);
  transfer->passes_folds = !colon || colon == line.data;
  if (transfer->passes_folds)
    return true; /* no field; the ones around it still are */
  vi_text name = {line.data, (size_t)(colon - line.data)};
  vi_text value = {colon + 1, line.length - name.length - 1};
  return keep(transfer, vi_headers_add(headers, vi_text_trim(name), vi_text_trim(value)));
}

/* RFC 9112 2.2: a carriage return that ends no line is read as a blank. It would end one for
 * others, to whom a value may be sent on. */
static bool receive_line_with_returns(vi_transfer *transfer, vi_text line) {
  vi_buffer copy = {0};
  if (!vi_buffer_append_text(&copy, line))
    return vi_receive_out_of_memory(transfer);
  for (size_t i = 0; i < copy.length; i++)
    if (copy.data[i] == '\r')
      copy.data[i] = ' ';
  bool done = receive_line(transfer, vi_buffer_text(&copy));
  vi_buffer_free(&copy);
  return done;
}

size_t vi_receive_head(char *data, size_t size, size_t count, void *user) {
  vi_transfer *transfer = ((vi_handle *)user)->transfer;
  vi_text line = strip_line_end((vi_text){data, size * count});
  bool has_returns = line.length > 0 && line.data[0] != VI_FOLD_MARK &&
                     memchr(line.data, '\r', line.length) != NULL;
  bool done =
      has_returns ? receive_line_with_returns(transfer, line) : receive_line(transfer, line);
  return done ? size * count : 0;
}
