/* From libcurl's result codes to the kinds of error that viesti knows. */
#ifndef VI_TRANSPORT_CURL_ERROR_H
#define VI_TRANSPORT_CURL_ERROR_H

#include "message/error.h"
#include "message/request.h"

#include <curl/curl.h>

/* Fills `error` from the failed `code` of `easy`: kind, message (libcurl's `detail` where it has
 * one), whether anything may have been sent, and whether `request` can be sent again safely.
 * `in_head`: the head of the reply was not complete. */
void vi_curl_error(vi_error *error, CURL *easy, CURLcode code, const char *detail, bool in_head,
                   const vi_request *request);

#endif
