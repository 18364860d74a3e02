#include "transport/session.h"

#include "message/memory.h"
#include "message/text.h"
#include "transport/decoder.h"
#include "transport/fork.h"
#include "transport/handle.h"
#include "transport/loop.h"
#include "transport/queue.h"
#include "transport/sockets.h"
#include "transport/transfer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Copies a string option; *ok turns false when out of memory. */
static char *copy_string(const char *string, bool *ok) {
  if (!string)
    return NULL;
  size_t size = strlen(string) + 1;
  char *copy = vi_malloc(size);
  *ok = *ok && copy;
  return copy ? memcpy(copy, string, size) : NULL;
}

void vi_session_abort_all(vi_session *session, vi_error_kind kind, const char *message) {
  while (session->queued_first)
    vi_transfer_abort(session->queued_first, kind, message);
  while (session->active)
    vi_transfer_abort(session->active, kind, message);
}

/* libcurl gives a multi handle up once a socket could not be watched, and if that was for want of
 * memory of its own, 7.88 crashes when it goes on with it. */
void vi_session_check(vi_session *session, CURLMcode code) {
  if (code == CURLM_OK)
    return;
  vi_session_abort_all(session, VI_ERROR_OUT_OF_MEMORY, curl_multi_strerror(code));
  vi_session_close(session);
}

bool vi_session_drop_if_forked(vi_session *session) {
  if (session->generation == vi_fork_generation())
    return false;
  session->generation = vi_fork_generation();
  if (!session->closed) {
    vi_sockets_cut_off(session);
    vi_session_abort_all(session, VI_ERROR_FORKED, "the process forked");
    vi_session_close(session);
  }
  session->forked = true;
  return true;
}

static void initialize_libcurl(void) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* The environment is looked at once a session: libcurl would do it for every request. */
static bool names_proxy(void) {
  static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                      "ALL_PROXY"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (getenv(names[i]))
      return true;
  return false;
}

/* Its User-Agent, and the codings asked for; NULL for none. */
static bool build_fields(const vi_session *session, const char *codings, vi_fields *fields) {
  vi_headers headers = {0};
  vi_text agent = vi_text_of(session->options.user_agent);
  bool ok = true;
  if (agent.length > 0)
    ok = vi_headers_add(&headers, VI_TEXT("User-Agent"), agent) == VI_HEADERS_OK;
  if (codings)
    ok = ok &&
         vi_headers_add(&headers, VI_TEXT("Accept-Encoding"), vi_text_of(codings)) == VI_HEADERS_OK;
  vi_fields_build(fields, &headers, &(vi_headers){0}, NULL, NULL, &ok);
  vi_headers_free(&headers);
  return ok;
}

static bool build_all_fields(vi_session *session) {
  bool decodes = session->options.decode;
  return build_fields(session, decodes ? VI_DECODER_CODINGS : NULL, &session->fields) &&
         build_fields(session, decodes ? "identity" : NULL, &session->range_fields);
}

static bool open_share(vi_session *session) {
  session->share = curl_share_init();
  if (!session->share)
    return false;
  curl_share_setopt(session->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  if (session->options.cookies) {
    curl_share_setopt(session->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
    curl_share_setopt(session->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_PSL);
  }
  return true;
}

/* libcurl looks at values only when they are set: better on a handle to throw away, now. */
static bool check_curl_options(const vi_curl_option *options, vi_error *error) {
  if (!options)
    return true;
  CURL *easy = curl_easy_init();
  bool fine = easy ? vi_curl_options_set(options, easy, error)
                   : vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  curl_easy_cleanup(easy);
  return fine;
}

/* libcurl looks at a proxy's URL when a request is sent, and takes some of any scheme. */
static bool check_proxy(const char *proxy, vi_error *error) {
  static const char *const known[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  if (!proxy || !*proxy)
    return true;
  CURLU *url = curl_url();
  char *scheme = NULL;
  CURLUcode code =
      url ? curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME)
          : CURLUE_OUT_OF_MEMORY;
  if (code == CURLUE_OK)
    code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
  bool fine = false;
  for (size_t i = 0; scheme && i < sizeof known / sizeof *known; i++)
    fine = fine || strcmp(scheme, known[i]) == 0;
  curl_free(scheme);
  curl_url_cleanup(url);
  if (code == CURLUE_OUT_OF_MEMORY)
    return vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  return fine || vi_error_set(error, VI_ERROR_REFUSED,
                              "the proxy must be a URL whose scheme is http, https, socks4, "
                              "socks4a, socks5 or socks5h");
}

/* The lower one of those that libcurl was given for the two ways. */
static double top_speed(const vi_curl_option *options) {
  int64_t down = vi_curl_options_number(options, CURLOPT_MAX_RECV_SPEED_LARGE);
  int64_t up = vi_curl_options_number(options, CURLOPT_MAX_SEND_SPEED_LARGE);
  return (double)(down > 0 && (up <= 0 || down < up) ? down : up);
}

static void set_limits(CURLM *multi, const vi_session_options *options) {
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, options->max_connections);
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, options->max_connections_per_host);
  if (options->max_idle_connections > 0)
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, options->max_idle_connections);
}

vi_session *vi_session_new(const vi_session_options *options, vi_error *error) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, initialize_libcurl);
  if (!check_proxy(options->proxy, error) || !check_curl_options(options->curl, error))
    return NULL;
  bool ok = true;
  vi_session *session = vi_calloc(sizeof *session);
  if (session) {
    session->references = 1;
    session->generation = vi_fork_generation();
    session->options = *options;
    session->options.curl = NULL;
    vi_account_retain(options->account);
    session->options.ca = copy_string(options->ca, &ok);
    session->options.proxy = copy_string(options->proxy, &ok);
    session->options.user_agent = copy_string(options->user_agent, &ok);
  }
  if (!session || !ok || !open_share(session) || !build_all_fields(session)) {
    vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    vi_session_release(session);
    return NULL;
  }
  session->options.curl = options->curl;
  session->top_speed = top_speed(options->curl);
  session->proxy_in_environment = options->trust_env && names_proxy();
  return session;
}

bool vi_session_prepare(vi_session *session, vi_error *error) {
  if (session->multi)
    return true;
  session->multi = curl_multi_init();
  if (!session->multi)
    return vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  set_limits(session->multi, &session->options);
  return true;
}

vi_session *vi_session_retain(vi_session *session) {
  session->references++;
  return session;
}

void vi_session_close(vi_session *session) {
  if (vi_session_drop_if_forked(session) || session->closed)
    return;
  session->closed = true;
  vi_session_abort_all(session, VI_ERROR_CLOSED, "the session was closed");
  while (session->idle) {
    vi_handle *handle = session->idle;
    session->idle = handle->next;
    vi_handle_free(handle);
  }
  /* Sockets are closed here, and the loop is told of each. */
  curl_multi_cleanup(session->multi);
  session->multi = NULL;
  session->deadline = session->check_at = 0;
}

void vi_session_release(vi_session *session) {
  if (!session || --session->references > 0)
    return;
  vi_session_close(session);
  if (session->loop)
    vi_loop_detach(session->loop, session);
  curl_share_cleanup(session->share);
  vi_curl_options_free(session->options.curl);
  vi_account_release(session->options.account);
  vi_free(session->sockets);
  vi_fields_free(&session->fields);
  vi_fields_free(&session->range_fields);
  vi_free((char *)session->options.ca);
  vi_free((char *)session->options.proxy);
  vi_free((char *)session->options.user_agent);
  vi_free(session);
}

vi_handle *vi_session_take_handle(vi_session *session) {
  vi_handle *handle = session->idle;
  if (!handle)
    return vi_handle_new(session);
  session->idle = handle->next;
  session->idle_count--;
  return handle;
}

void vi_session_return_handle(vi_session *session, vi_handle *handle) {
  enum { MOST_IDLE = 1024 }; /* each with libcurl's own memory some ten KiB */
  vi_handle_unset_request(handle);
  if (session->closed || session->idle_count == MOST_IDLE) {
    vi_handle_free(handle);
    return;
  }
  handle->next = session->idle;
  session->idle = handle;
  session->idle_count++;
}

void vi_session_collect(vi_session *session) {
  CURLMsg *message;
  int left;
  while (session->multi && (message = curl_multi_info_read(session->multi, &left))) {
    if (message->msg != CURLMSG_DONE)
      continue;
    CURLcode code = message->data.result; /* the message dies with remove_handle */
    vi_handle *handle = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&handle);
    vi_transfer_finish(handle->transfer, code);
  }
  vi_queue_admit(session);
}
