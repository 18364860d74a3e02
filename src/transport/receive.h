/* The receiving half of a transfer: libcurl's callbacks for header lines and body bytes, and the
 * last touches on a complete response. */
#ifndef VI_TRANSPORT_RECEIVE_H
#define VI_TRANSPORT_RECEIVE_H

#include <stddef.h>

struct vi_transfer;

/* CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION; `user` is the transfer. A return of less than
 * was given stops libcurl, and the transfer's error says why. */
size_t vi_receive_head(char *data, size_t size, size_t count, void *user);
size_t vi_receive_body(char *data, size_t size, size_t count, void *user);

/* Completes the response of a transfer that ended well, or sets its error. */
void vi_receive_end(struct vi_transfer *transfer);

#endif
