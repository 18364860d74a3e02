/* A response as a sensible C program keeps it: the head's lines and the body in two growing
 * buffers, and an index of the head in which fields are found by name. */
#ifndef BENCH_RESPONSE_H
#define BENCH_RESPONSE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct bytes {
  char *data;
  size_t length, capacity;
} bytes;

typedef struct field {
  size_t name, name_length, value, value_length; /* places in the head */
} field;

typedef struct response {
  bytes head, body;
  field *fields;
  size_t field_count, field_capacity;
} response;

/* Makes libcurl fill the response. */
void response_attach(response *to, CURL *easy);

/* Forgets the content and keeps the memory, for the next response. */
void response_clear(response *of);

/* Frees the content; the response can be filled again. */
void response_free(response *of);

/* The value of the first field of that name in any case, and its length; NULL if there is none. */
const char *response_find(const response *in, const char *name, size_t *length);

#endif
