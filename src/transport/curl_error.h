/* From libcurl's result codes to the kinds of error that viesti knows. */
#ifndef VI_TRANSPORT_CURL_ERROR_H
#define VI_TRANSPORT_CURL_ERROR_H

#include "message/error.h"
#include "message/request.h"

#include <curl/curl.h>

/* Fills `error` from the failed `code` of `easy`, whose reply was still in its head or not: kind,
 * message (libcurl's `detail` where it has one), whether anything may have been sent, and whether
 * `request` can be sent again safely. */
void vi_curl_error(vi_error *error, CURL *easy, CURLcode code, const char *detail, bool in_head,
                   const vi_request *request);

#endif
