#include "message/multipart.h"

#include "message/memory.h"

#include <string.h>
#include <unistd.h>

vi_multipart *vi_multipart_new(void) {
  vi_multipart *multipart = vi_calloc(sizeof *multipart);
  if (multipart)
    atomic_init(&multipart->references, 1);
  return multipart;
}

vi_part *vi_multipart_add(vi_multipart *multipart) {
  if (multipart->count == multipart->capacity) {
    size_t capacity = multipart->capacity ? multipart->capacity * 2 : 4;
    vi_part *parts = vi_realloc(multipart->parts, capacity * sizeof *parts);
    if (!parts)
      return NULL;
    multipart->parts = parts;
    multipart->capacity = capacity;
  }
  vi_part *part = &multipart->parts[multipart->count++];
  *part = (vi_part){.file = -1};
  return part;
}

vi_multipart *vi_multipart_retain(vi_multipart *multipart) {
  atomic_fetch_add_explicit(&multipart->references, 1, memory_order_relaxed);
  return multipart;
}

static void free_part(vi_part *part) {
  vi_buffer_free(&part->name);
  vi_buffer_free(&part->filename);
  vi_buffer_free(&part->type);
  vi_headers_free(&part->headers);
  vi_buffer_free(&part->bytes);
  if (part->file >= 0)
    close(part->file);
}

void vi_multipart_release(vi_multipart *multipart) {
  if (!multipart || atomic_fetch_sub_explicit(&multipart->references, 1, memory_order_acq_rel) > 1)
    return;
  for (size_t i = 0; i < multipart->count; i++)
    free_part(&multipart->parts[i]);
  vi_free(multipart->parts);
  vi_free(multipart);
}

ssize_t vi_part_read(const vi_part *part, int64_t offset, char *to, size_t size) {
  int64_t left = part->length - offset;
  if (left <= 0)
    return 0;
  if ((int64_t)size > left)
    size = (size_t)left;
  if (part->file < 0) {
    memcpy(to, part->bytes.data + offset, size);
    return (ssize_t)size;
  }
  ssize_t got = pread(part->file, to, size, part->start + (off_t)offset);
  return got > 0 ? got : -1;
}
