/* Byte ranges (RFC 9110 14): what a request asks for, and what a response says it is. */
#ifndef VI_CACHE_RANGE_H
#define VI_CACHE_RANGE_H

#include "message/headers.h"

/* Bytes `first` to `last`, counted from 0, both included. */
typedef struct vi_range {
  int64_t first; /* -1: the last `last` bytes (in a request) */
  int64_t last;  /* INT64_MAX: up to the end (in a request) */
} vi_range;

/* Reads a Range field. False for anything but one range of bytes; who is asked for such ignores it
 * or sends it on. */
bool vi_range_read(vi_text value, vi_range *out);

/* The bytes that it means of `length`. False: none, it cannot be satisfied. */
bool vi_range_resolve(vi_range *range, int64_t length);

/* Reads a Content-Range field of bytes; *length is that of the whole, -1 where it is not said.
 * False: it is none, or of a 416. */
bool vi_content_range_read(vi_text value, vi_range *out, int64_t *length);

#endif
