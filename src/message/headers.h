/* Header fields of one message: ordered, names case-insensitive, repeated fields kept.
 *
 * All names and values stand in one block of bytes, with an index beside it: two allocations
 * however many fields, or none where both lie within a larger block. A zeroed struct is empty; its
 * holder frees it with vi_headers_free. The views that it hands out are valid until the next
 * change.
 *
 * What comes off the wire is kept as it came; what a caller supplies is checked by
 * vi_headers_check before it is added. */
#ifndef VI_MESSAGE_HEADERS_H
#define VI_MESSAGE_HEADERS_H

#include "message/buffer.h"

/* No message may have more fields or more bytes of names and values than this. */
enum { VI_HEADERS_MAX_FIELDS = 1000, VI_HEADERS_MAX_BYTES = 256 * 1024 };

typedef struct vi_field {
  uint32_t name, name_length;
  uint32_t value, value_length;
} vi_field;

typedef struct vi_headers {
  vi_buffer bytes;
  vi_field *fields;
  size_t count, capacity;
  bool within; /* a larger block: `fields` is not to be freed */
} vi_headers;

typedef enum vi_headers_result {
  VI_HEADERS_OK,
  VI_HEADERS_TOO_LARGE,
  VI_HEADERS_OUT_OF_MEMORY,
} vi_headers_result;

/* Frees the content and leaves an empty struct. */
void vi_headers_free(vi_headers *headers);

/* Forgets all fields, keeps the memory. */
void vi_headers_clear(vi_headers *headers);

/* Adds a field at the end. On any other result than OK nothing was added. */
vi_headers_result vi_headers_add(vi_headers *headers, vi_text name, vi_text value);

/* Continues the value of the last field, after a space if it has one: an obsolete folded line (RFC
 * 9112 5.2). Only right after vi_headers_add; without a field, or with nothing more, it does
 * nothing. */
vi_headers_result vi_headers_fold(vi_headers *headers, vi_text more);

/* Fills `to`, which must be empty, with the fields of `from`, in the room that it has or in one
 * exact allocation each: what was removed from `from` takes no room in `to`. */
vi_headers_result vi_headers_copy(vi_headers *to, const vi_headers *from);

/* The bytes of all names and values. */
size_t vi_headers_length(const vi_headers *headers);

/* Gives `to`, which is empty, the fields of `from`, whose bytes it shows: fields can be taken out
 * of it, and none added, while `from` stays as it is. False: out of memory. */
bool vi_headers_show(vi_headers *to, const vi_headers *from);

/* Takes out every field of that name; their bytes stay in the block until it is freed. */
void vi_headers_remove(vi_headers *headers, vi_text name);

/* Likewise those of several names. */
void vi_headers_remove_any(vi_headers *headers, const vi_text *names, size_t count);

/* Name and value of field `index`, counted from 0; `index` must be below `count`. */
vi_text vi_headers_name(const vi_headers *headers, size_t index);
vi_text vi_headers_value(const vi_headers *headers, size_t index);

/* The index of the first field of that name at or behind `from`, or `count` if there is none. */
size_t vi_headers_find(const vi_headers *headers, vi_text name, size_t from);

/* The value of the first field of that name; false (and an empty view) if there is none. */
bool vi_headers_get(const vi_headers *headers, vi_text name, vi_text *value);

/* True if there is a field of that name. */
bool vi_headers_has(const vi_headers *headers, vi_text name);

/* How many fields have that name. */
size_t vi_headers_count_of(const vi_headers *headers, vi_text name);

/* Appends all values of that name to `out`, joined by ", " (RFC 9110 5.3). Absent adds nothing.
 * False: out of memory. */
bool vi_headers_join(const vi_headers *headers, vi_text name, vi_buffer *out);

/* What is wrong with a field that a caller wants to send, as an end of a sentence ("must be a
 * token, ..."), or NULL if it is fine. The string is static. */
const char *vi_headers_check(vi_text name, vi_text value);

/* Likewise for a request, whose framing is derived from its body. */
const char *vi_headers_check_framing(vi_text name);

#endif
