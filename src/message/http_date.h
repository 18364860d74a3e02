/* HTTP's dates (RFC 9110 5.6.7): reads the three formats, writes the first. */
#ifndef VI_MESSAGE_HTTP_DATE_H
#define VI_MESSAGE_HTTP_DATE_H

#include "message/text.h"

/* Room for "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL. */
enum { VI_HTTP_DATE_SIZE = 30 };

/* Reads an IMF-fixdate, RFC 850 or asctime date, exactly; `seconds` since 1970 UTC.
 * `now` (same scale) decides the century of RFC 850's two-digit year: of the years with
 * those digits the nearest, at most 50 years ahead.
 * False: anything else, days that no month has included. */
bool vi_http_date_parse(vi_text text, int64_t now, int64_t *seconds);

/* Writes `seconds` since 1970 UTC as an IMF-fixdate with its NUL; years 0 to 9999. */
void vi_http_date_format(int64_t seconds, char out[VI_HTTP_DATE_SIZE]);

#endif
