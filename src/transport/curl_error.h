/* From libcurl's result codes to the kinds of error that viesti knows. */
#ifndef VI_TRANSPORT_CURL_ERROR_H
#define VI_TRANSPORT_CURL_ERROR_H

#include "transport/transfer.h"

/* Fills the transfer's error from the failed `code` of its handle: kind, message (libcurl's own
 * where it has one), whether anything may have been sent, and whether the request can be sent again
 * safely. */
void vi_curl_error(vi_transfer *transfer, CURLcode code);

/* Works out `retryable` from the error's kind, whether anything was sent, and the request. */
void vi_curl_error_weigh(vi_error *error, const vi_request *request);

#endif
