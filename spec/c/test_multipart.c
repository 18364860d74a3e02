/* message/multipart: the parts of a body, in memory and in files. */
#include "message/multipart.h"

#include "exchange.h"
#include "messages.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void release(void *multipart) {
  vi_multipart_release(multipart);
}

static vi_multipart *new_multipart(void) {
  vi_multipart *multipart = vi_multipart_new();
  if (!multipart)
    abort();
  tap_defer(release, multipart);
  return multipart;
}

/* The only part of a multipart body, of the bytes given or of the file. */
static vi_part *part_of_bytes(const char *bytes) {
  vi_part *part = vi_multipart_add(new_multipart());
  if (!part || !vi_buffer_append_text(&part->bytes, vi_text_of(bytes)))
    abort();
  part->length = (int64_t)strlen(bytes);
  return part;
}

static vi_part *part_of_file(int file, off_t start, int64_t length) {
  vi_part *part = vi_multipart_add(new_multipart());
  if (!part)
    abort();
  part->file = file;
  part->start = start;
  part->length = length;
  return part;
}

/* What a read gives; the empty view at the end. */
static vi_text read_from(const vi_part *part, int64_t offset, size_t size) {
  vi_buffer *out = scratch();
  check(vi_buffer_reserve(out, size + 1));
  ssize_t got = vi_part_read(part, offset, out->data, size);
  check(got >= 0 && (size_t)got <= size);
  return (vi_text){out->data, got > 0 ? (size_t)got : 0};
}

IT("has no parts at first, and empty ones without a file when added") {
  vi_multipart *multipart = new_multipart();
  check_int(multipart->count, 0);
  vi_part *part = vi_multipart_add(multipart);
  require(part);
  check_int(multipart->count, 1);
  check_int(part->file, -1);
  check_int(part->length + (int64_t)part->name.length + (int64_t)part->headers.count, 0);
  check_text(read_from(part, 0, 10), "");
}

IT("keeps many parts in their order") {
  vi_multipart *multipart = new_multipart();
  for (int i = 0; i < 100; i++) {
    vi_part *part = vi_multipart_add(multipart);
    require(part && vi_buffer_append_char(&part->name, (char)i));
    check(add_fields(&part->headers, "A: 1"));
  }
  check_int(multipart->count, 100);
  for (int i = 0; i < 100; i++)
    check_int(multipart->parts[i].name.data[0], i);
}

IT("reads bytes from any place, as many as are asked for and no more than there are") {
  const vi_part *part = part_of_bytes("0123456789");
  check_text(read_from(part, 0, 4), "0123");
  check_text(read_from(part, 4, 100), "456789");
  check_text(read_from(part, 9, 1), "9");
  check_text(read_from(part, 10, 4), "");
  check_text(read_from(part, 1000, 4), "");
  check_text(read_from(part, 3, 0), "");
}

IT("reads the range of a file, wherever the file stands") {
  int file = file_of(VI_TEXT("before, content, behind"));
  const vi_part *part = part_of_file(file, 8, 7);
  check_text(read_from(part, 0, 100), "content");
  check_text(read_from(part, 3, 2), "te");
  check(lseek(file, 0, SEEK_END) > 0);
  check_text(read_from(part, 0, 100), "content");
  check_text(read_from(part, 7, 100), "");
  check_int(lseek(file, 0, SEEK_CUR), (int64_t)strlen("before, content, behind"));
}

IT("reads no further than its range when the file has grown") {
  int file = file_of(VI_TEXT("content"));
  const vi_part *part = part_of_file(file, 0, 7);
  check(write(file, " and more", 9) == 9);
  check_text(read_from(part, 0, 100), "content");
  check_text(read_from(part, 7, 100), "");
}

IT("says that a file is shorter than it was instead of ending early") {
  char bytes[10];
  int file = file_of(VI_TEXT("content"));
  const vi_part *part = part_of_file(file, 0, 7);
  require(ftruncate(file, 3) == 0);
  check_text(read_from(part, 0, 10), "con");
  check_int(vi_part_read(part, 3, bytes, sizeof bytes), -1);
  require(ftruncate(file, 0) == 0);
  check_int(vi_part_read(part, 0, bytes, sizeof bytes), -1);
}

IT("says that a file cannot be read") {
  char bytes[10];
  const vi_part *part = part_of_file(open("/dev/null", O_WRONLY | O_CLOEXEC), 0, 7);
  check_int(vi_part_read(part, 0, bytes, sizeof bytes), -1);
}

IT("is freed, and closes its files, when its last holder lets go") {
  int file = file_of(VI_TEXT("content")), other = file_of(VI_TEXT(""));
  vi_multipart *multipart = vi_multipart_new();
  require(multipart);
  vi_part *part = vi_multipart_add(multipart);
  require(part && vi_buffer_append_text(&part->name, VI_TEXT("name")));
  part->file = file;
  part = vi_multipart_add(multipart);
  require(part && vi_buffer_append_text(&part->bytes, VI_TEXT("bytes")));
  part = vi_multipart_add(multipart);
  require(part && add_fields(&part->headers, "A: 1"));
  part->file = other;
  check(vi_multipart_retain(multipart) == multipart);
  vi_multipart_release(multipart);
  check(fcntl(file, F_GETFD) >= 0 && fcntl(other, F_GETFD) >= 0);
  vi_multipart_release(multipart);
  check(fcntl(file, F_GETFD) < 0 && fcntl(other, F_GETFD) < 0);
  vi_multipart_release(NULL);
}
