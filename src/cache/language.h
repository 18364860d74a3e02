/* Accept-Language (RFC 9110 12.5.4). */
#ifndef VI_CACHE_LANGUAGE_H
#define VI_CACHE_LANGUAGE_H

#include "message/text.h"

/* True if a request with that Accept-Language likes `language` better than any other. False where
 * the field is none, and for a list of languages. */
bool vi_language_is_liked_best(vi_text accepted, vi_text language);

#endif
