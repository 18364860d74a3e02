/* Coded bodies for tests, made by zlib's own compressor. It uses no memory of the core's. */
#ifndef SPEC_CODING_H
#define SPEC_CODING_H

#include "message/text.h"

/* The formats that zlib writes, by its number for them. */
enum { CODING_GZIP = 31, CODING_ZLIB = 15, CODING_RAW = -15 };

/* The bytes in that format; they are freed when the running test ends. */
vi_text coded(vi_text bytes, int format);

/* Both, one behind the other. */
vi_text concatenated(vi_text a, vi_text b);

/* That many bytes: of one letter, which coding makes a thousandth of; or of noise, which it makes
 * nothing of. */
vi_text monotony(size_t length);
vi_text noise(size_t length);

#endif
