#include "answers.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SMALL = 1024, PIECES = 64 * 1024, LARGE = 1024 * 1024, HEAD_SIZE = 512 };

#define OK "HTTP/1.1 200 OK\r\n"
#define NO_STORE "Cache-Control: no-store\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

/* Whole messages, made once. */
typedef struct message {
  char *bytes;
  size_t length;
} message;

static message small, large, pieces, zipped, zipped_short;
static char filler[LARGE];

static message join(const char *head, const char *body, size_t length, const char *end) {
  message whole = {malloc(strlen(head) + length + strlen(end)), 0};
  if (!whole.bytes)
    abort();
  memcpy(whole.bytes, head, strlen(head));
  memcpy(whole.bytes + strlen(head), body, length);
  memcpy(whole.bytes + strlen(head) + length, end, strlen(end));
  whole.length = strlen(head) + length + strlen(end);
  return whole;
}

static message with_length(const char *fields, const char *body, size_t length) {
  char head[HEAD_SIZE];
  snprintf(head, sizeof head, OK "%sContent-Length: %zu\r\n\r\n", fields, length);
  return join(head, body, length, "");
}

static size_t compress_filler(unsigned char *into, size_t room) {
  z_stream stream = {.next_in = (unsigned char *)filler, .avail_in = PIECES, .next_out = into};
  stream.avail_out = (unsigned)room;
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
      deflate(&stream, Z_FINISH) != Z_STREAM_END)
    abort();
  deflateEnd(&stream);
  return stream.total_out;
}

void answers_prepare(void) {
  static char chunks[PIECES + 64 * 16];
  static unsigned char compressed[PIECES];
  size_t length = 0;
  uint32_t state = 1;
  for (size_t i = 0; i < sizeof filler; i++) {
    state = state * 1664525u + 1013904223u;
    filler[i] = (char)('a' + (state >> 24) % 16);
  }
  for (int i = 0; i < PIECES; i += SMALL)
    length += (size_t)sprintf(chunks + length, "%x\r\n%.*s\r\n", SMALL, SMALL, filler + i);
  small = with_length(NO_STORE, filler, SMALL);
  large = with_length("Cache-Control: max-age=60\r\n", filler, LARGE);
  pieces = join(OK NO_STORE CHUNKED, chunks, length, "0\r\n\r\n");
  length = compress_filler(compressed, sizeof compressed);
  zipped = with_length(NO_STORE "Content-Encoding: gzip\r\n", (char *)compressed, length);
  zipped_short = with_length(NO_STORE "Content-Encoding: gzip\r\n", (char *)compressed, length / 2);
}

static answer fixed(const char *bytes, answer_end end) {
  return (answer){.bytes = bytes, .length = strlen(bytes), .end = end};
}

static answer flood(const char *bytes, const char *again) {
  answer made = fixed(bytes, END_FLOOD);
  made.repeated = strlen(again);
  return made;
}

static answer shared(const message *whole) {
  return (answer){.bytes = whole->bytes, .length = whole->length};
}

/* The first part of a message, and then its end. */
static answer part(const message *whole, size_t length, answer_end end) {
  return (answer){.bytes = whole->bytes, .length = length, .end = end};
}

/* A head of its own, with a small body behind it where `size` says so. */
__attribute__((format(printf, 2, 3))) static answer own(size_t size, const char *format, ...) {
  char *bytes = malloc(HEAD_SIZE + size);
  va_list arguments;
  if (!bytes)
    abort();
  va_start(arguments, format);
  size_t length = (size_t)vsnprintf(bytes, HEAD_SIZE, format, arguments);
  va_end(arguments);
  memcpy(bytes + length, filler, size);
  return (answer){.bytes = bytes, .length = length + size, .made = bytes};
}

/* ---- What is right ---- */

static answer ok(const question *asked) {
  (void)asked;
  return shared(&small);
}

static answer page(const question *asked) {
  return own(SMALL, OK "Cache-Control: max-age=60\r\nX-Number: %lu\r\nContent-Length: %d\r\n\r\n",
             asked->number, SMALL);
}

static answer brief(const question *asked) {
  return own(SMALL,
             OK "Cache-Control: max-age=1, stale-while-revalidate=1\r\nX-Number: %lu\r\n"
                "Content-Length: %d\r\n\r\n",
             asked->number, SMALL);
}

static answer variant(const question *asked) {
  (void)asked;
  return own(SMALL,
             OK "Cache-Control: max-age=60\r\nVary: X-Variant, Accept-Language\r\n"
                "Content-Length: %d\r\n\r\n",
             SMALL);
}

/* Changes now and then. */
static answer validated(const question *asked) {
  unsigned long version = (unsigned long)(asked->before / 5000);
  if (asked->is_conditional && asked->before % 50 != 0)
    return own(0, "HTTP/1.1 304 Not Modified\r\nETag: \"%lu\"\r\nCache-Control: no-cache\r\n\r\n",
               version);
  return own(SMALL, OK "ETag: \"%lu\"\r\nCache-Control: no-cache\r\nContent-Length: %d\r\n\r\n",
             version, SMALL);
}

static answer mebibyte(const question *asked) {
  (void)asked;
  return shared(&large);
}

static answer chunked(const question *asked) {
  (void)asked;
  return shared(&pieces);
}

static answer gzip(const question *asked) {
  (void)asked;
  return shared(&zipped);
}

static answer created(const question *asked) {
  return own(0, "HTTP/1.1 201 Created\r\nX-Number: %lu\r\nContent-Length: 0\r\n\r\n",
             asked->number);
}

static answer missing(const question *asked) {
  (void)asked;
  return fixed("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", END_KEEP);
}

static answer moved(const question *asked) {
  return own(0, "HTTP/1.1 302 Found\r\nLocation: /page/%lu\r\nContent-Length: 0\r\n\r\n",
             asked->number);
}

static answer closing(const question *asked) {
  (void)asked;
  return part(&small, small.length, END_CLOSE);
}

static answer closing_idle(const question *asked) {
  answer made = closing(asked);
  made.idle = 3;
  return made;
}

static answer loop(const question *asked) {
  return own(0, "HTTP/1.1 302 Found\r\nLocation: /%s/%lu\r\nContent-Length: 0\r\n\r\n", asked->name,
             asked->number);
}

/* ---- What is wrong: cases, and the bytes of those that are the same each time ---- */

static answer reset_in_body(const question *asked) {
  (void)asked;
  return part(&small, small.length / 2, END_RESET);
}

static answer short_body(const question *asked) {
  (void)asked;
  return part(&small, small.length - 1, END_CLOSE);
}

static answer hang_in_body(const question *asked) {
  (void)asked;
  return part(&small, small.length / 2, END_HANG);
}

static answer cut_chunks(const question *asked) {
  (void)asked;
  return part(&pieces, pieces.length / 2, END_CLOSE);
}

static answer cut_gzip(const question *asked) {
  (void)asked;
  return shared(&zipped_short);
}

typedef struct answer_case {
  const char *name;
  answer (*answer)(const question *asked); /* NULL: these */
  const char *bytes;
  answer_end end;
  const char *again; /* what END_FLOOD repeats, which `bytes` ends with */
} answer_case;

static const answer_case RIGHT[] = {
    {.name = "ok", .answer = ok},           {.name = "page", .answer = page},
    {.name = "unique", .answer = page},     {.name = "brief", .answer = brief},
    {.name = "variant", .answer = variant}, {.name = "validated", .answer = validated},
    {.name = "large", .answer = mebibyte},  {.name = "chunked", .answer = chunked},
    {.name = "gzip", .answer = gzip},       {.name = "post", .answer = created},
    {.name = "missing", .answer = missing}, {.name = "moved", .answer = moved},
    {.name = "closing", .answer = closing}, {.name = "closing-idle", .answer = closing_idle},
    {.name = "loop", .answer = loop},
};

static const answer_case WRONG[] = {
    {.name = "reset", .bytes = "", .end = END_RESET},
    {.name = "reset-in-head", .bytes = OK "X-A: b\r\nX-B", .end = END_RESET},
    {.name = "reset-in-body", .answer = reset_in_body},
    {.name = "silent", .bytes = "", .end = END_CLOSE},
    {.name = "short-head", .bytes = OK "X-A: b\r\nX-B", .end = END_CLOSE},
    {.name = "short-body", .answer = short_body},
    {.name = "short-gzip", .answer = cut_gzip},
    {.name = "short-chunks", .answer = cut_chunks},
    {.name = "bad-chunk", .bytes = OK CHUNKED "3\r\nabc\r\nzz\r\n", .end = END_KEEP},
    {.name = "long-body", .bytes = OK "Content-Length: 3\r\n\r\nabcdef", .end = END_KEEP},
    {.name = "two-lengths",
     .bytes = OK "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
     .end = END_KEEP},
    {.name = "garbage", .bytes = "\1\2\3 nothing like HTTP\r\n\r\n", .end = END_CLOSE},
    {.name = "endless-head",
     .bytes = OK "X-More: y\r\n",
     .end = END_FLOOD,
     .again = "X-More: y\r\n"},
    {.name = "endless-body",
     .bytes = OK CHUNKED "4\r\nmore\r\n",
     .end = END_FLOOD,
     .again = "4\r\nmore\r\n"},
    {.name = "500", .bytes = "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", .end = END_KEEP},
    {.name = "503",
     .bytes = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
     .end = END_KEEP},
    {.name = "503-later",
     .bytes = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
     .end = END_KEEP},
    {.name = "429",
     .bytes = "HTTP/1.1 429 Slower\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
     .end = END_KEEP},
    {.name = "429-later",
     .bytes = "HTTP/1.1 429 Slower\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
     .end = END_KEEP},
    {.name = "hang", .bytes = "", .end = END_HANG},
    {.name = "hang-in-body", .answer = hang_in_body},
};

static const answer_case *find(const answer_case *list, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(list[i].name, name) == 0)
      return &list[i];
  return NULL;
}

answer answer_to(const question *asked) {
  const answer_case *right = find(RIGHT, sizeof RIGHT / sizeof *RIGHT, asked->name);
  const answer_case *wrong = find(WRONG, sizeof WRONG / sizeof *WRONG, asked->name);
  if (right)
    return right->answer(asked);
  if (!wrong)
    return missing(asked);
  if (asked->before % 3 == 2)
    return asked->is_post ? created(asked) : ok(asked);
  if (wrong->answer)
    return wrong->answer(asked);
  return wrong->again ? flood(wrong->bytes, wrong->again) : fixed(wrong->bytes, wrong->end);
}
