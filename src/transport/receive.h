/* The receiving half of a transfer: libcurl's callbacks for header lines (receive_head.c) and body
 * bytes (receive_body.c), and the last touches on a complete response. */
#ifndef VI_TRANSPORT_RECEIVE_H
#define VI_TRANSPORT_RECEIVE_H

#include "message/response.h"

#include <stdbool.h>
#include <stddef.h>

struct vi_transfer;

/* CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION; `user` is the handle. A return of less than
 * was given stops libcurl, and the transfer's error says why. */
size_t vi_receive_head(char *data, size_t size, size_t count, void *user);
size_t vi_receive_body(char *data, size_t size, size_t count, void *user);

/* Sets the transfer's error, and returns false. */
bool vi_receive_out_of_memory(struct vi_transfer *transfer);

/* Makes the response of the head that is complete, and of `body`, whose reference it takes over;
 * NULL for a streamed one. False, with the transfer's error: out of memory. */
bool vi_receive_complete_head(struct vi_transfer *transfer, vi_body *body);

/* Completes the response of a transfer that ended well, or sets its error. */
void vi_receive_end(struct vi_transfer *transfer);

/* True while bytes of a streamed body that libcurl has handed over still wait to be decoded, for
 * want of room. */
bool vi_receive_is_pending(const struct vi_transfer *transfer);

/* Decodes more of them. False, with the transfer's error, if something is wrong with them. */
bool vi_receive_pending(struct vi_transfer *transfer);

#endif
