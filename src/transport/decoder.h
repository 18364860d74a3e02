/* Undoing a content coding (RFC 9110 8.4.1) piece by piece: gzip and deflate, through zlib.
 *
 * libcurl can do that too, but takes a body that breaks off for a whole one, expands without a
 * bound and tries any number of codings one on the other. */
#ifndef VI_TRANSPORT_DECODER_H
#define VI_TRANSPORT_DECODER_H

#include "message/buffer.h"

#include <zlib.h>

typedef enum vi_coding { VI_CODING_NONE, VI_CODING_GZIP, VI_CODING_DEFLATE } vi_coding;

typedef enum vi_decoding {
  VI_DECODING_MORE, /* all input is used up */
  VI_DECODING_FULL, /* `most` bytes came out, and there may be more */
  VI_DECODING_BAD,  /* the input is no such coding */
  VI_DECODING_OUT_OF_MEMORY,
} vi_decoding;

/* Zeroed: never used. Its memory is kept from body to body; vi_decoder_free gives it back. */
typedef struct vi_decoder {
  z_stream stream;
  bool allocated;
  vi_coding coding; /* of the body at hand; NONE: it is not coded */
  bool begun;       /* a byte of it has come */
  bool ended;       /* as far as is known, all of it has */
  bool full;        /* the last run ended for want of room: run it again, if need be on no input */
} vi_decoder;

/* What to put into Accept-Encoding: deflate is undone too, but nobody has it and not gzip. */
#define VI_DECODER_CODINGS "gzip"

/* The coding of that name; NONE for one that is not known here. */
vi_coding vi_decoder_coding_of(vi_text name);

/* Gets ready for a body of that coding, not NONE. False: out of memory. */
bool vi_decoder_begin(vi_decoder *decoder, vi_coding coding);

/* Forgets the body at hand: the next one is not coded until vi_decoder_begin says so. */
void vi_decoder_stop(vi_decoder *decoder);

/* Decodes from the front of *input, which it shortens, and appends at most `most` bytes to `out`.
 */
vi_decoding vi_decoder_run(vi_decoder *decoder, vi_text *input, vi_buffer *out, size_t most);

/* True if the body, as far as it has come, is coded and broke off. One of no bytes at all did not:
 * some servers send the field with an empty body. */
bool vi_decoder_is_cut(const vi_decoder *decoder);

void vi_decoder_free(vi_decoder *decoder);

#endif
