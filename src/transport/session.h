/* A session: options, a pool of connections and a pool of handles, for any number of senders.
 *
 * Counted; whoever got a pointer from vi_session_new or _retain gives it back with _release. A
 * session and all its transfers belong to one thread at a time. Transfers in flight hold the
 * session; closing it ends them with VI_ERROR_CLOSED. */
#ifndef VI_TRANSPORT_SESSION_H
#define VI_TRANSPORT_SESSION_H

#include "message/account.h"
#include "message/error.h"
#include "transport/curl_option.h"
#include "transport/fields.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

struct vi_handle;
struct vi_loop;
struct vi_transfer;

typedef enum vi_http_version {
  VI_HTTP_AUTO, /* HTTP/2 where TLS negotiates it, else HTTP/1.1 */
  VI_HTTP_1_1,
  VI_HTTP_2, /* as AUTO, and requests wait for a connection they can share */
  VI_HTTP_3, /* where this libcurl has it */
} vi_http_version;

/* Strings may be NULL; they are copied. Times are in seconds, 0 for no limit. */
typedef struct vi_session_options {
  double timeout;                /* a whole exchange */
  double connect_timeout;        /* name lookup, TCP and TLS */
  double idle_timeout;           /* without a byte either way, once connected */
  long low_speed_limit;          /* bytes a second; an average below it ... */
  long low_speed_time;           /* ... for that many seconds ends the exchange */
  size_t max_body;               /* bytes of a decoded body */
  long max_connections;          /* open at once; further requests queue; 0: no limit */
  long max_connections_per_host; /* likewise */
  long max_idle_connections;     /* kept for later requests; 0: libcurl's own choice */
  vi_http_version http_version;
  bool decode;            /* ask for content codings and undo them */
  bool verify;            /* the server's certificate and name */
  const char *ca;         /* PEM file of trusted authorities instead of the system's */
  const char *proxy;      /* URL; "" for none; NULL for the environment's, as it is now */
  bool trust_env;         /* proxies and authorities that the environment names */
  const char *user_agent; /* NULL or "": no such field */
  bool cookies;           /* keep and send them */
  vi_account *account;    /* of the bodies received; NULL: unbounded. The session holds it */
  vi_curl_option *curl;   /* further options of libcurl's, the session's from vi_session_new on */
} vi_session_options;

typedef struct vi_session {
  unsigned references;
  vi_session_options options; /* its strings are owned */
  CURLM *multi;               /* NULL before its first transfer, and when it is closed */
  CURLSH *share;              /* what its handles have in common: TLS sessions, cookies */
  vi_fields fields;           /* the header fields of every request */
  vi_fields range_fields;     /* and of one for a range: a part of what is coded is of no use */
  bool bodies_are_large;      /* the last one was: the next one is likely to be */
  bool multiplexes;           /* the last answer came over a connection that others can share */
  bool has_multiplexed;       /* one did */
  bool proxy_in_environment;  /* when the session was made */
  double top_speed;           /* bytes a second that libcurl is not to exceed; 0: none */
  bool closed, forked;        /* forked: it was made before a fork, and dropped after it */
  unsigned generation;        /* vi_fork_generation() when it was made */
  curl_socket_t *sockets;     /* its open ones */
  size_t socket_count, socket_capacity;
  struct vi_handle *idle; /* linked by `next` */
  size_t idle_count;
  struct vi_transfer *active;        /* in flight, doubly linked */
  size_t active_count, stream_count; /* of those, the ones whose response is streamed */
  struct vi_transfer *queued_first, *queued_last; /* waiting for that, likewise */
  size_t affordable;    /* as many in flight as there are descriptors for; 0: not known to be few */
  struct vi_loop *loop; /* the loop that drives it, not owned; NULL: none */
  struct vi_session *next; /* in the loop's list */
  int64_t deadline;        /* when libcurl wants to be called; 0: not at all */
  int64_t idle_since;      /* when the last transfer ended; 0: none did */
  int64_t check_at;        /* when vi_timeouts_check is due; 0: not at all */
} vi_session;

/* A session with no connection yet. NULL, with `error` filled: libcurl refuses a value in `curl`,
 * or out of memory; then `curl` is still the caller's. */
vi_session *vi_session_new(const vi_session_options *options, vi_error *error);

/* Has what libcurl drives transfers with, from the first one on: that takes descriptors, which many
 * a session never needs. False, with `error`: out of memory. */
bool vi_session_prepare(vi_session *session, vi_error *error);

/* One more holder; returns `session`. */
vi_session *vi_session_retain(vi_session *session);

/* One holder less; the last one closes and frees. NULL is ignored. */
void vi_session_release(vi_session *session);

/* Ends what is in flight or queued with VI_ERROR_CLOSED and closes all connections. Later sends are
 * refused with the same kind. Closing again does nothing. */
void vi_session_close(vi_session *session);

/* Ends what is in flight or queued with an error of that kind. */
void vi_session_abort_all(vi_session *session, vi_error_kind kind, const char *message);

/* Acts on what a call of libcurl's that worked on the session came to: a failure ends what is in
 * flight or queued with VI_ERROR_OUT_OF_MEMORY and closes the session. */
void vi_session_check(vi_session *session, CURLMcode code);

/* In a child process, for a session made before the fork: ends what was in flight with
 * VI_ERROR_FORKED and drops all connections without a byte to their peers, whom the parent goes on
 * talking to. True if it was such a session; it is closed then. */
bool vi_session_drop_if_forked(vi_session *session);

/* A handle from the pool, or a new one; NULL: out of memory. And back. */
struct vi_handle *vi_session_take_handle(vi_session *session);
void vi_session_return_handle(vi_session *session, struct vi_handle *handle);

/* Finishes every transfer that libcurl has reported as done since the last call. */
void vi_session_collect(vi_session *session);

#endif
