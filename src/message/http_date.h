/* HTTP's dates (RFC 9110 5.6.7): the three formats. */
#ifndef VI_MESSAGE_HTTP_DATE_H
#define VI_MESSAGE_HTTP_DATE_H

#include "message/text.h"

/* Reads an IMF-fixdate, RFC 850 or asctime date, exactly; `seconds` since 1970 UTC.
 * `now` (same scale) decides the century of RFC 850's two-digit year: of the years with
 * those digits the nearest, at most 50 years ahead.
 * False: anything else, days that no month has included. */
bool vi_http_date_parse(vi_text text, int64_t now, int64_t *seconds);

#endif
