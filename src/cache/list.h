/* Lists in header fields: members with commas between them (RFC 9110 5.6.1). */
#ifndef VI_CACHE_LIST_H
#define VI_CACHE_LIST_H

#include "message/text.h"

/* The next member, trimmed, taken off `rest`; empty ones are passed over. A comma in a quoted
 * string separates nothing. False at the end. */
bool vi_list_next(vi_text *rest, vi_text *member);

#endif
