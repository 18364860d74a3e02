/* The bodies of a transfer that stream, as its owner sees them: what has come is taken, what is to
 * go supplied, and libcurl, which waits meanwhile, goes on. */
#ifndef VI_TRANSPORT_STREAMING_H
#define VI_TRANSPORT_STREAMING_H

#include "transport/transfer.h"

/* As much of a streamed body as is held for a slow reader. */
enum { VI_STREAM_HOLDS = 256 * 1024 };

/* The bytes of a streamed response that have come and were not consumed, and their consumption,
 * which lets a paused transfer go on. The view is valid until the next call of the loop or of any
 * function here. */
vi_text vi_transfer_peek(const vi_transfer *transfer);
void vi_transfer_consume(vi_transfer *transfer, size_t length);

/* Supplies the next bytes of a streamed request; an empty view ends the body. A body that is not as
 * long as announced aborts the transfer. */
void vi_transfer_supply(vi_transfer *transfer, vi_text bytes);

#endif
