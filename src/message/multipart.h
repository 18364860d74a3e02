/* The parts of a multipart body: counted, immutable once shared, readable from any thread.
 *
 * A part's content is bytes of its own or a range of a file, read where it stands while it is sent.
 * Whoever holds a pointer got by new or retain gives it back with vi_multipart_release. */
#ifndef VI_MESSAGE_MULTIPART_H
#define VI_MESSAGE_MULTIPART_H

#include "message/headers.h"

#include <stdatomic.h>
#include <sys/types.h>

typedef struct vi_part {
  vi_buffer name;     /* these three NUL-terminated */
  vi_buffer filename; /* empty: none */
  vi_buffer type;     /* the media type; empty: libcurl's choice */
  vi_headers headers; /* further fields */
  vi_buffer bytes;    /* the content, unless there is a file: */
  int file;           /* a descriptor, owned; -1: none */
  off_t start;        /* its range */
  int64_t length;     /* of the content, wherever it is */
} vi_part;

typedef struct vi_multipart {
  atomic_uint references;
  size_t count, capacity;
  vi_part *parts;
} vi_multipart;

/* No parts yet; one reference. NULL: out of memory. */
vi_multipart *vi_multipart_new(void);

/* A further part, empty, for the maker to fill. It moves when another one is added. NULL: out of
 * memory. */
vi_part *vi_multipart_add(vi_multipart *multipart);

/* One more holder; returns `multipart`. */
vi_multipart *vi_multipart_retain(vi_multipart *multipart);

/* One holder less; the last one frees and closes the files. NULL is ignored. */
void vi_multipart_release(vi_multipart *multipart);

/* Reads at most `size` bytes of the content from `offset` on. 0 at the end; -1 if the file cannot
 * be read or is shorter than it was. */
ssize_t vi_part_read(const vi_part *part, int64_t offset, char *to, size_t size);

#endif
