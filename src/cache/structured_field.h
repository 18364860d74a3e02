/* Structured Fields (RFC 9651): dictionaries, as far as caching needs them. */
#ifndef VI_CACHE_STRUCTURED_FIELD_H
#define VI_CACHE_STRUCTURED_FIELD_H

#include "message/text.h"

typedef enum vi_sf_kind {
  VI_SF_TRUE, /* a key alone, or ?1 */
  VI_SF_FALSE,
  VI_SF_INTEGER,
  VI_SF_OTHER, /* a decimal, string, token, byte sequence, date, display string or inner list */
} vi_sf_kind;

typedef struct vi_sf_member {
  vi_text key;
  vi_sf_kind kind;
  int64_t integer;
} vi_sf_member;

/* Called for each member in order; of a key that comes twice the last one counts. */
typedef void vi_sf_visitor(void *context, const vi_sf_member *member);

/* Reads `value` as a dictionary and shows its members to `visit`, which may be NULL. False: it is
 * not one; members may have been shown before that was known. An empty one is a dictionary. */
bool vi_sf_dictionary(vi_text value, vi_sf_visitor *visit, void *context);

#endif
