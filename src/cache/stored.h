/* A stored response: what the rules judge and the stores keep.
 *
 * Immutable once made, counted, readable from any thread. What a decision needs is worked out once,
 * when it is made, so that a hit reads a few numbers; its texts lie packed in one block. Times are
 * seconds since 1970 (wall clock). */
#ifndef VI_CACHE_STORED_H
#define VI_CACHE_STORED_H

#include "cache/freshness.h"
#include "cache/pack.h"

enum vi_stored_flag {
  VI_STORED_SHARED = 1,      /* of a cache for many users; one for a single user has its own */
  VI_STORED_NO_CACHE = 2,    /* not to be used without asking (5.2.2.4) */
  VI_STORED_NEVER_STALE = 4, /* not to be used stale, whoever allows it (5.2.2.2, .8, .10) */
  VI_STORED_IMMUTABLE = 8,   /* RFC 8246 */
  VI_STORED_PARTIAL = 16,    /* the body is the part that Content-Range says */
  VI_STORED_OUTDATED = 32,   /* something newer is known to be there (4.3.5): stale */
  VI_STORED_VALIDATOR = 64,  /* has an ETag or a Last-Modified */
  VI_STORED_OTHER_URL = 128, /* the response is from elsewhere than the request was for */
  VI_STORED_APART = 256,     /* the body stands in a store; what is here says its length and name */
};

/* The texts of an entry, in the order in which they lie. */
typedef enum vi_stored_text {
  VI_STORED_URL, /* the response's */
  VI_STORED_REASON,
  VI_STORED_ENCODING,
  VI_STORED_SELECTION, /* see vary.h */
  VI_STORED_TAGS,      /* packed */
  VI_STORED_FIELDS,    /* packed: name, value, name, value */
  VI_STORED_TEXTS
} vi_stored_text;

typedef struct vi_stored {
  atomic_uint references;
  uint16_t status;
  uint16_t flags; /* of vi_stored_flag */
  uint16_t field_count;
  uint8_t http_version;
  uint32_t within;      /* bytes of a body that lies in `bytes`, behind the texts */
  double response_time; /* when it arrived or was last validated */
  double initial_age;   /* its age then (RFC 9111 4.2.3) */
  double lifetime;      /* RFC 9111 4.2.1; 0: stale */
  double date;          /* the Date field, or response_time */
  uint32_t stale_while_revalidate, stale_if_error; /* seconds */
  uint32_t ends[VI_STORED_TEXTS];                  /* of each text in `bytes` */
  vi_body *body; /* one reference; NULL: a small body, which lies within */
  char bytes[];
} vi_stored;

/* Larger bodies are shared, smaller ones copied: they would need as much memory again for blocks of
 * their own. */
enum { VI_STORED_WITHIN = 4096 };

/* What the user says of one response, over the heads of server and policy. */
typedef struct vi_choices {
  double ttl;   /* seconds that it is fresh from now, whatever the server says; < 0: nothing said */
  bool refuses; /* it is not to be stored */
  vi_text tags; /* packed */
} vi_choices;

/* Makes an entry of `response`, an answer to `request`; `choices` may be NULL. Fields of one
 * connection only, and those that a qualified no-cache names, are left out; the body is shared.
 * NULL: out of memory. */
vi_stored *vi_stored_new(const vi_policy *policy, const vi_request *request,
                         const vi_response *response, const vi_freshness *freshness,
                         const vi_choices *choices);

/* A copy that is outdated. NULL: out of memory. */
vi_stored *vi_stored_outdated(const vi_stored *stored);

/* A copy with another body; `apart`: the bytes are its name in a store. NULL: out of memory. */
vi_stored *vi_stored_with_body(const vi_stored *stored, vi_text bytes, bool apart);

/* The stored response as it came, from `url` unless it was from elsewhere than its request was for,
 * with room for another field or two; its maker may still change it. NULL: out of memory. */
vi_response *vi_stored_response(const vi_stored *stored, vi_text url);

/* Takes out the fields of one connection only, those that Connection names too (RFC 9111 3.1).
 * False: out of memory. */
bool vi_drop_connection_fields(vi_headers *headers);

/* One more holder, and one less; the last one frees. Releasing NULL is ignored. */
vi_stored *vi_stored_retain(vi_stored *stored);
void vi_stored_release(vi_stored *stored);

/* Bytes of memory that it holds. */
size_t vi_stored_size(const vi_stored *stored);

/* Its body; of one that stands apart what the store needs to find it, which begins with its length
 * and a space. */
vi_text vi_stored_body(const vi_stored *stored);

/* The length of its body, wherever that stands; -1: nobody knows. */
int64_t vi_stored_body_length(const vi_stored *stored);

/* One of its texts. */
vi_text vi_stored_text_of(const vi_stored *stored, vi_stored_text which);

/* The value of the first field of that name; false (and an empty view) if there is none. */
bool vi_stored_field(const vi_stored *stored, const char *name, vi_text *value);

/* Appends a name for what the entry is among those of its key: one with the same name replaces it.
 * False: out of memory. */
bool vi_stored_variant(const vi_stored *stored, vi_buffer *out);

/* Seconds from `now` for which keeping it may be of use under that policy: while it is fresh or may
 * be served stale, which is a week where that may be however stale; and a day more if it can be
 * validated. */
double vi_stored_useful(const vi_stored *stored, const vi_policy *policy, double now);

/* True if one replaces the other in a store: both are what the same requests ask for. */
bool vi_stored_same_variant(const vi_stored *a, const vi_stored *b);

/* Age at `now` (RFC 9111 4.2.3). A clock that stepped back makes it older, too: an entry from years
 * ahead would stay fresh until then. */
double vi_stored_age(const vi_stored *stored, double now);

/* Seconds of freshness left at `now`, negative for a stale one. */
double vi_stored_ttl(const vi_stored *stored, double now);

#endif
