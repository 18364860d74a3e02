/* Why a request has no response: one small value, copied about, nothing to free. */
#ifndef VI_MESSAGE_ERROR_H
#define VI_MESSAGE_ERROR_H

#include <stdbool.h>

typedef enum vi_error_kind {
  VI_ERROR_NONE,
  VI_ERROR_RESOLVE,      /* the host's name has no address */
  VI_ERROR_CONNECT,      /* no connection to any of its addresses */
  VI_ERROR_TLS,          /* handshake or certificate */
  VI_ERROR_TIMEOUT,      /* one of the session's timeouts struck */
  VI_ERROR_RESET,        /* the connection broke */
  VI_ERROR_EMPTY_REPLY,  /* closed before a byte of the response */
  VI_ERROR_TRUNCATED,    /* the body ended before its announced end */
  VI_ERROR_PROTOCOL,     /* the response is not HTTP, or not decodable */
  VI_ERROR_TOO_LARGE,    /* header or body over the limit */
  VI_ERROR_REFUSED,      /* bad URL, scheme, header or option: nothing was sent */
  VI_ERROR_REDIRECT,     /* too many, or to a place that is not allowed */
  VI_ERROR_CANCELLED,    /* by the caller */
  VI_ERROR_CLOSED,       /* the sender or its session was closed */
  VI_ERROR_FORKED,       /* a handle inherited by a child process */
  VI_ERROR_CIRCUIT_OPEN, /* refused by a circuit breaker */
  VI_ERROR_RATE_LIMITED, /* refused by a rate limit */
  VI_ERROR_DEADLINE,     /* the request's own deadline passed */
  VI_ERROR_SCRIPT,       /* raised by the user's code */
  VI_ERROR_STATUS,       /* there is a response, and its status says that it failed */
  VI_ERROR_OUT_OF_MEMORY,
  VI_ERROR_KINDS,
} vi_error_kind;

/* Which of the session's timeouts struck. */
typedef enum vi_timeout {
  VI_TIMEOUT_NONE,
  VI_TIMEOUT_CONNECT,
  VI_TIMEOUT_TOTAL,
  VI_TIMEOUT_IDLE,
  VI_TIMEOUT_LOW_SPEED,
} vi_timeout;

typedef struct vi_error {
  vi_error_kind kind;
  vi_timeout timeout; /* where the kind is TIMEOUT */
  int code;           /* libcurl's CURLcode, 0 if it did not take part */
  bool maybe_sent;    /* false: it is certain that no byte of the request left */
  bool retryable;     /* sending the same request again cannot do it twice, and may succeed */
  char message[200];  /* one clause, without the kind; NUL-terminated, cut if longer */
} vi_error;

/* The kind's name as users see it ("empty_reply"); static. */
const char *vi_error_kind_name(vi_error_kind kind);

/* The timeout's name likewise ("low_speed"); NULL for none. */
const char *vi_timeout_name(vi_timeout timeout);

/* The kind of that name; VI_ERROR_NONE for an unknown one. */
vi_error_kind vi_error_kind_of(const char *name);

/* Fills `error` with a kind and a printf-style message; nothing was sent, not retryable. Returns
 * false, so that a failing function can end with it. `error` may be NULL. */
bool vi_error_set(vi_error *error, vi_error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
