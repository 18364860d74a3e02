#include "transport/curl_error.h"

#include "message/descriptor.h"
#include "message/text.h"
#include "message/url.h"

#include <errno.h>
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
     * left is a response that is not HTTP/1 or later. */
    return VI_ERROR_PROTOCOL;
  }
}

/* What OpenSSL, and libcurl in its stead, say of a peer that is gone. */
static bool is_broken_handshake(CURLcode code, const char *detail) {
  return code == CURLE_SSL_CONNECT_ERROR &&
         (strstr(detail, "SSL_ERROR_SYSCALL") || strstr(detail, "Connection reset") ||
          strstr(detail, "unexpected eof"));
}

/* What libcurl makes nothing of before it connects, under several codes. The session's own proxy
 * was looked at when it was made: this is one that the environment or an option of libcurl's names.
 */
static bool is_unusable_proxy(const char *detail) {
  return vi_text_starts_nocase(vi_text_of(detail), VI_TEXT("Unsupported proxy"));
}

/* Where libcurl has one code for several things, its words and times tell them apart. */
static vi_error_kind refine(const vi_transfer *transfer, CURLcode code) {
  const char *detail = transfer->handle->detail;
  vi_error_kind kind = kind_of(code);
  if (is_unusable_proxy(detail))
    return VI_ERROR_REFUSED;
  if (!transfer->connected &&
      (kind == VI_ERROR_RESET || kind == VI_ERROR_EMPTY_REPLY || is_broken_handshake(code, detail)))
    return VI_ERROR_CONNECT; /* the proxy refused, or the other end went while we connected */
  if (code == CURLE_RECV_ERROR && strstr(detail, "SSL routines") && strstr(detail, " alert "))
    return VI_ERROR_TLS; /* TLS 1.3 refuses a client's certificate after the handshake */
  if (code == CURLE_RECV_ERROR && strstr(detail, "chunked-encoding"))
    return VI_ERROR_PROTOCOL; /* the sizes of the chunks make no sense */
  if (code == CURLE_RECV_ERROR && strcasestr(detail, "too large"))
    return VI_ERROR_TOO_LARGE; /* a head, ours or that of a proxy's answer */
  curl_off_t first_byte = 0;
  curl_easy_getinfo(transfer->handle->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
  if (code == CURLE_OUT_OF_MEMORY && transfer->head < VI_HEAD_DONE && first_byte > 0)
    return VI_ERROR_TOO_LARGE; /* a header line longer than libcurl holds */
  if (kind == VI_ERROR_REFUSED && vi_transfer_may_have_sent(transfer))
    return VI_ERROR_PROTOCOL; /* it was the response that libcurl could make nothing of */
  return kind;
}

static const double GRANULE = 0.002; /* libcurl counts its timeouts in milliseconds */

/* libcurl has one code for all timeouts; ours are known by the names of the session's options. A
 * transfer that waited in the queue may run out of its total before the time for connecting. */
static void name_timeout(vi_error *error, const vi_transfer *transfer) {
  const vi_session_options *options = &transfer->session->options;
  double connect = options->connect_timeout, elapsed = 0;
  curl_easy_getinfo(transfer->handle->easy, CURLINFO_TOTAL_TIME, &elapsed);
  if (strstr(transfer->handle->detail, "too slow")) {
    vi_error_set(error, VI_ERROR_TIMEOUT, "slower than %ld bytes/s for %ld s (low_speed_limit)",
                 options->low_speed_limit, options->low_speed_time);
    error->timeout = VI_TIMEOUT_LOW_SPEED;
  } else if (!transfer->connected && connect > 0 && elapsed > connect - GRANULE) {
    vi_error_set(error, VI_ERROR_TIMEOUT, "no connection within %g s (connect_timeout)", connect);
    error->timeout = VI_TIMEOUT_CONNECT;
  } else {
    vi_transfer_name_limit(transfer, "not done within", error);
  }
}

/* Our words for what libcurl says with `part` in its own. Those follow in parentheses where they
 * tell more. */
static const struct {
  CURLcode code;
  const char *part;
  const char *words;
  bool tell_more;
} OWN_WORDS[] = {
    {CURLE_GOT_NOTHING, "", "the server closed the connection without a response", false},
    {CURLE_SEND_FAIL_REWIND, "", "the connection died, and the request may not be sent twice",
     false},
    {CURLE_UNSUPPORTED_PROTOCOL, "", "the response is not HTTP/1 or later", false},
    {CURLE_WEIRD_SERVER_REPLY, "Content-Length", "Content-Length is no length", false},
    {CURLE_SSL_CONNECT_ERROR, "protocol version", "no version of TLS that both sides allow", true},
    {CURLE_SSL_CONNECT_ERROR, "unsupported protocol", "no version of TLS that both sides allow",
     true},
    {CURLE_SSL_CONNECT_ERROR, "wrong version number", "the server does not speak TLS", true},
    {CURLE_SSL_CERTPROBLEM, "", "the client's certificate and key cannot be used", true},
    {CURLE_SSL_CACERT_BADFILE, "", "the authorities cannot be read", true},
};

static bool set_table_words(vi_error *error, vi_error_kind kind, CURLcode code,
                            const char *detail) {
  for (size_t i = 0; i < sizeof OWN_WORDS / sizeof *OWN_WORDS; i++) {
    const char *words = OWN_WORDS[i].words;
    if (OWN_WORDS[i].code != code || !strstr(detail, OWN_WORDS[i].part))
      continue;
    if (OWN_WORDS[i].tell_more && detail[0])
      vi_error_set(error, kind, "%s (%.140s)", words, detail);
    else
      vi_error_set(error, kind, "%s", words);
    return true;
  }
  return false;
}

/* Only a name can have other bytes: all else of a URL in normal form is percent-encoded. */
static bool is_ascii(vi_text url) {
  for (size_t i = 0; i < url.length; i++)
    if ((unsigned char)url.data[i] >= 0x80)
      return false;
  return true;
}

/* What a proxy answered to CONNECT, where that ended it; else 0. */
static long proxy_status(CURL *easy, CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
  return code == CURLE_RECV_ERROR && status >= 300 ? status : 0;
}

static bool wants_credentials(CURL *easy, CURLcode code) {
  long reason = 0;
  curl_easy_getinfo(easy, CURLINFO_PROXY_ERROR, &reason);
  return proxy_status(easy, code) == 407 ||
         (code == CURLE_PROXY && (reason == CURLPX_USER_REJECTED || reason == CURLPX_NO_AUTH));
}

#define PROXY_SCHEMES "a URL whose scheme is http, https, socks4, socks4a, socks5 or socks5h"

static const char ENVIRONMENT_PROXY[] =
    "the proxy that the environment names must be " PROXY_SCHEMES;
static const char OTHER_PROXY[] = "the proxy must be " PROXY_SCHEMES;

static bool set_own_words(vi_error *error, const vi_transfer *transfer, CURLcode code,
                          vi_error_kind kind) {
  CURL *easy = transfer->handle->easy;
  const char *detail = transfer->handle->detail, *words = NULL;
  long status = proxy_status(easy, code);
  if (is_broken_handshake(code, detail))
    words = "the connection broke in the TLS handshake";
  else if (code == CURLE_OUT_OF_MEMORY && kind == VI_ERROR_TOO_LARGE)
    words = "a header line is longer than libcurl holds";
  else if (code == CURLE_URL_MALFORMAT && !is_ascii(vi_buffer_text(&transfer->request->url)))
    words = "the host's name is not ASCII, and could not be encoded: call "
            "os.setlocale(\"C.UTF-8\") before, or write it as xn--...";
  else if (is_unusable_proxy(detail))
    words = transfer->session->proxy_in_environment ? ENVIRONMENT_PROXY : OTHER_PROXY;
  else if (wants_credentials(easy, code))
    words = "the proxy wants valid credentials in its URL";
  else if (status)
    words = "the proxy does not connect to the host";
  else
    return set_table_words(error, kind, code, detail);
  if (status)
    vi_error_set(error, kind, "%s (%ld)", words, status);
  else
    vi_error_set(error, kind, "%s", words);
  return true;
}

/* Whether libcurl's words speak of the URL's own host, without the brackets of an address. */
static bool is_named(const char *detail, vi_text url) {
  vi_text origin = vi_url_origin(url);
  const char *host = origin.data + (vi_text_starts_nocase(origin, VI_TEXT("https")) ? 8 : 7);
  const char *end = origin.data + origin.length, *last = end;
  while (last > host && last[-1] >= '0' && last[-1] <= '9')
    last--;
  if (last > host && last[-1] == ':')
    end = last - 1;
  if (host < end && *host == '[' && end[-1] == ']')
    host++, end--;
  return memmem(detail, strlen(detail), host, (size_t)(end - host));
}

static bool has_option(const vi_curl_option *options, CURLoption id) {
  while (options && options->option->id != id)
    options = options->next;
  return options;
}

/* Whether it is a proxy that could not be connected to. One that the environment may have named is
 * told by its host. */
static bool is_proxy_unreachable(const vi_transfer *transfer, CURLcode code) {
  const vi_session *session = transfer->session;
  const vi_session_options *options = &session->options;
  if (code != CURLE_COULDNT_CONNECT || has_option(options->curl, CURLOPT_UNIX_SOCKET_PATH))
    return false;
  if (options->proxy)
    return options->proxy[0] != 0;
  return session->proxy_in_environment && !has_option(options->curl, CURLOPT_CONNECT_TO) &&
         !is_named(transfer->handle->detail, vi_buffer_text(&transfer->request->url));
}

static void set_words(vi_error *error, const vi_transfer *transfer, CURLcode code,
                      vi_error_kind kind) {
  const char *detail = transfer->handle->detail;
  bool quotes_url = strstr(detail, "://"); /* which may hold a password */
  const char *words = detail[0] && !quotes_url ? detail : curl_easy_strerror(code);
  if (set_own_words(error, transfer, code, kind))
    return;
  long number = transfer->handle->socket_errno;
  if (number == 0)
    curl_easy_getinfo(transfer->handle->easy, CURLINFO_OS_ERRNO, &number);
  const char *whose = is_proxy_unreachable(transfer, code) ? "no connection to the proxy: " : "";
  if (code == CURLE_COULDNT_CONNECT && number != 0)
    vi_error_set(error, kind, "%s%.120s (%s)", whose, words, strerror((int)number));
  else
    vi_error_set(error, kind, "%s%s", whose, words);
}

/* Why a descriptor could not be had that libcurl opened out of our sight, to read a file or to look
 * a name up; 0 if there are some. By now it may have closed as many as that took. */
static int probe_descriptors(void) {
  enum { TAKEN = 4 };
  int taken[TAKEN], count = 0, reason = 0;
  while (count < TAKEN && reason == 0) {
    taken[count] = vi_open_socket(AF_UNIX, SOCK_STREAM, 0);
    if (taken[count] < 0)
      reason = errno;
    else
      count++;
  }
  while (count > 0)
    close(taken[--count]);
  return reason;
}

/* The errno of the shortage of descriptors, or of a thread, that ended the transfer; 0 if it was
 * not that. */
static int shortage_of(const vi_transfer *transfer, CURLcode code) {
  int number = 0;
  switch (code) {
  case CURLE_COULDNT_CONNECT:
    number = transfer->handle->socket_errno;
    break;
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CERTPROBLEM:
    number = probe_descriptors();
    break;
  default:
    break;
  }
  if (number == 0 && strstr(transfer->handle->detail, "thread failed to start"))
    number = EAGAIN; /* the resolver's, for want of a descriptor to talk to it or of memory */
  bool is_shortage = number == EMFILE || number == ENFILE || number == ENOBUFS ||
                     number == ENOMEM || number == EAGAIN;
  return is_shortage ? number : 0;
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

/* A proxy that wants other credentials, or does not let us through, will not change its mind. */
static bool is_turned_away(CURL *easy, CURLcode code) {
  long status = proxy_status(easy, code), reason = 0;
  curl_easy_getinfo(easy, CURLINFO_PROXY_ERROR, &reason);
  return (status >= 400 && status < 500) || wants_credentials(easy, code) ||
         (code == CURLE_PROXY &&
          (reason == CURLPX_REPLY_NOT_ALLOWED || reason == CURLPX_BAD_VERSION));
}

void vi_curl_error(vi_transfer *transfer, CURLcode code) {
  vi_error *error = &transfer->error;
  int shortage = shortage_of(transfer, code);
  vi_error_kind kind = shortage ? VI_ERROR_OUT_OF_MEMORY : refine(transfer, code);
  if (shortage)
    vi_error_set(error, kind, "no descriptor for the exchange: %s", strerror(shortage));
  else if (kind == VI_ERROR_TIMEOUT)
    name_timeout(error, transfer);
  else
    set_words(error, transfer, code, kind);
  error->code = (int)code;
  error->maybe_sent = vi_transfer_may_have_sent(transfer);
  vi_curl_error_weigh(error, transfer->request);
  if (kind == VI_ERROR_CONNECT && is_turned_away(transfer->handle->easy, code))
    error->retryable = false;
  if (shortage)
    error->retryable = !error->maybe_sent; /* others are closed sooner or later */
}
