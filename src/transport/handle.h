/* What is set on a transfer's libcurl handle: the session's options once in the handle's life, a
 * request's before each exchange, and only those undone after it. */
#ifndef VI_TRANSPORT_HANDLE_H
#define VI_TRANSPORT_HANDLE_H

#include <curl/curl.h>
#include <stdbool.h>

struct vi_transfer;

/* A handle with the options of the transfer's session, its callbacks bound to the transfer. NULL:
 * out of memory. Freed with curl_easy_cleanup. */
CURL *vi_handle_new(struct vi_transfer *transfer);

/* Sets what the transfer's request asks for. False: out of memory; vi_handle_unset_request is due
 * all the same. */
bool vi_handle_set_request(struct vi_transfer *transfer);

/* Takes back what vi_handle_set_request set: cheaper than a reset by far. */
void vi_handle_unset_request(struct vi_transfer *transfer);

#endif
