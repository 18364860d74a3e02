/* A fault of libcurl 7.83 to 8.0 kept out of reach: on a handle that served before, an answer whose
 * first header line is a folded one (RFC 9112 5.2) makes it write to memory it has freed. */
#ifndef VI_TRANSPORT_FOLD_GUARD_H
#define VI_TRANSPORT_FOLD_GUARD_H

#include <curl/curl.h>
#include <stdbool.h>

/* What the guard puts in the place of the first byte of such a line, which then is no header line
 * to libcurl, and can be none to anybody else. */
#define VI_FOLD_MARK '\r'

/* Prepares a handle. False if this libcurl has not the fault, and needs no guard. */
bool vi_fold_guard_set(CURL *easy);

/* A status line has come: looks at the line behind it. From inside CURLOPT_HEADERFUNCTION. */
void vi_fold_guard_arm(CURL *easy);

#endif
