#include "transport/curl_error.h"

#include <string.h>

static vi_error_kind kind_of(CURLcode code) {
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
    return VI_ERROR_RESOLVE;
  case CURLE_COULDNT_CONNECT:
  case CURLE_PROXY:
  case CURLE_INTERFACE_FAILED:
  case CURLE_NO_CONNECTION_AVAILABLE:
    return VI_ERROR_CONNECT;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_ENGINE_INITFAILED:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_USE_SSL_FAILED:
    return VI_ERROR_TLS;
  case CURLE_OPERATION_TIMEDOUT:
    return VI_ERROR_TIMEOUT;
  case CURLE_GOT_NOTHING:
    return VI_ERROR_EMPTY_REPLY;
  case CURLE_PARTIAL_FILE:
    return VI_ERROR_TRUNCATED;
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_FAIL_REWIND:
  case CURLE_HTTP2_STREAM:
    return VI_ERROR_RESET;
  case CURLE_FILESIZE_EXCEEDED:
    return VI_ERROR_TOO_LARGE;
  case CURLE_URL_MALFORMAT:
  case CURLE_BAD_FUNCTION_ARGUMENT:
    return VI_ERROR_REFUSED;
  case CURLE_ABORTED_BY_CALLBACK:
    return VI_ERROR_CANCELLED;
  case CURLE_OUT_OF_MEMORY:
    return VI_ERROR_OUT_OF_MEMORY;
  default:
    /* Among these UNSUPPORTED_PROTOCOL: the scheme was checked before libcurl saw it, so what is
     * left is a reply that is not HTTP/1 or later. */
    return VI_ERROR_PROTOCOL;
  }
}

/* Where libcurl has one code for several things, its words tell them apart. */
static vi_error_kind refine(const vi_transfer *transfer, CURLcode code) {
  curl_off_t first_byte = 0;
  const char *detail = code == CURLE_RECV_ERROR ? transfer->handle->detail : "";
  if (strstr(detail, "chunked-encoding"))
    return VI_ERROR_PROTOCOL; /* the sizes of the chunks make no sense */
  if (strcasestr(detail, "too large"))
    return VI_ERROR_TOO_LARGE; /* a head, ours or that of a proxy's answer */
  curl_easy_getinfo(transfer->handle->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
  if (code == CURLE_OUT_OF_MEMORY && transfer->head < VI_HEAD_DONE && first_byte > 0)
    return VI_ERROR_TOO_LARGE; /* a header line longer than libcurl holds */
  return kind_of(code);
}

/* libcurl has one code for all timeouts; ours are known by the names of the session's options. */
static void name_timeout(vi_error *error, const vi_transfer *transfer) {
  const vi_session_options *options = &transfer->session->options;
  double connect = options->connect_timeout, total = options->timeout;
  if (strstr(transfer->handle->detail, "too slow")) {
    vi_error_set(error, VI_ERROR_TIMEOUT, "slower than %ld bytes/s for %ld s (low_speed_limit)",
                 options->low_speed_limit, options->low_speed_time);
    error->timeout = VI_TIMEOUT_LOW_SPEED;
  } else if (!transfer->connected && connect > 0 && (total <= 0 || connect < total)) {
    vi_error_set(error, VI_ERROR_TIMEOUT, "no connection within %g s (connect_timeout)", connect);
    error->timeout = VI_TIMEOUT_CONNECT;
  } else {
    vi_error_set(error, VI_ERROR_TIMEOUT, "not done within %g s (timeout)", total);
    error->timeout = VI_TIMEOUT_TOTAL;
  }
}

static const char *own_words(CURLcode code) {
  switch (code) {
  case CURLE_GOT_NOTHING:
    return "the server closed the connection without a reply";
  case CURLE_SEND_FAIL_REWIND:
    return "the connection died, and the request may not be sent twice";
  case CURLE_UNSUPPORTED_PROTOCOL:
    return "the reply is not HTTP/1 or later";
  default:
    return NULL;
  }
}

/* Whether another attempt could end otherwise, leaving aside whether it may be made. */
static bool may_pass(vi_error_kind kind) {
  switch (kind) {
  case VI_ERROR_RESOLVE:
  case VI_ERROR_CONNECT:
  case VI_ERROR_TIMEOUT:
  case VI_ERROR_RESET:
  case VI_ERROR_EMPTY_REPLY:
  case VI_ERROR_TRUNCATED:
    return true;
  default:
    return false;
  }
}

void vi_curl_error_weigh(vi_error *error, const vi_request *request) {
  error->retryable = may_pass(error->kind) &&
                     (!error->maybe_sent ||
                      (vi_request_is_idempotent(request) && vi_request_is_replayable(request)));
}

static const char *words_of(const vi_transfer *transfer, CURLcode code, vi_error_kind kind) {
  if (kind == VI_ERROR_TOO_LARGE && code == CURLE_OUT_OF_MEMORY)
    return "a header line is longer than libcurl holds";
  if (own_words(code))
    return own_words(code);
  const char *detail = transfer->handle->detail;
  return detail[0] ? detail : curl_easy_strerror(code);
}

void vi_curl_error(vi_transfer *transfer, CURLcode code) {
  vi_error *error = &transfer->error;
  vi_error_kind kind = refine(transfer, code);
  if (kind == VI_ERROR_TIMEOUT)
    name_timeout(error, transfer);
  else
    vi_error_set(error, kind, "%s", words_of(transfer, code, kind));
  error->code = (int)code;
  error->maybe_sent = vi_transfer_may_have_sent(transfer);
  vi_curl_error_weigh(error, transfer->request);
}
