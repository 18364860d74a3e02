/* What a cache is to be like: the choices that the rules leave to whoever runs it. */
#ifndef VI_CACHE_POLICY_H
#define VI_CACHE_POLICY_H

#include "message/request.h"

typedef enum vi_set_cookie {
  VI_SET_COOKIE_STORE, /* kept as any other field */
  VI_SET_COOKIE_STRIP, /* left out of what is stored */
  VI_SET_COOKIE_SKIP,  /* a response that has it is not stored */
} vi_set_cookie;

/* Appends to `out` what will be sent in that field besides what the request itself says: false if
 * that is nothing. */
typedef bool vi_sent_field(void *context, const vi_request *request, vi_text name, vi_buffer *out);

/* Zeroed: a private cache with everything else left to the server. Texts are the holder's. */
typedef struct vi_policy {
  bool shared;       /* a cache for many users: `private` is not stored, s-maxage counts */
  bool authorizes;   /* requests get an Authorization on their further way */
  bool store_errors; /* 4xx and 5xx with explicit freshness are stored, too */
  double heuristic;  /* the part of the time since Last-Modified that a response without explicit
                      * freshness is taken for fresh (RFC 9111 4.2.2), a day at most; 0: none */
  double stale_if_error, stale_while_revalidate; /* seconds for responses that do not say */
  bool stale_on_disconnect; /* stale responses are better than no answer (RFC 9111 4.2.4) */
  bool select_language; /* a response in the language that a request likes best is for it, though
                         * Accept-Language is another than that it came for */
  bool records;         /* the store takes a streamed body piece by piece, once its head was put */
  vi_set_cookie set_cookie;
  const vi_text *targets; /* names of fields that say more than Cache-Control (RFC 9213) */
  size_t target_count;
  const vi_text *methods; /* that are stored besides GET, by their bodies */
  size_t method_count;
  vi_sent_field *sent_field; /* NULL: requests go out as they are */
  void *context;             /* for sent_field */
} vi_policy;

#endif
