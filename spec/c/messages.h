/* Messages for tests, written as they look on the wire. What a function here returns is released
 * when the running test ends; a test that releases it earlier retains it first. */
#ifndef SPEC_MESSAGES_H
#define SPEC_MESSAGES_H

#include "cache/stored.h"
#include "message/request.h"
#include "message/response.h"

#define URL "http://example.com/"

/* Adds the fields in `lines`, "Name: value" each, separated by line feeds. False: out of memory or
 * too many. */
bool add_fields(vi_headers *headers, const char *lines);

/* A request for URL, or for `url`, with the fields in `lines`. */
vi_request *request_with(const char *method, const char *lines);
vi_request *request_to(const char *method, const char *url, const char *lines);

/* A response from URL with the fields in `lines`. */
vi_response *response_with(int status, const char *lines, const char *body);

/* The first value of the field, the empty view if it is not there. */
vi_text field(const vi_headers *headers, const char *name);

bool has_field(const vi_headers *headers, const char *name);

/* All values of the field, joined by ", ". */
vi_text joined(const vi_headers *headers, const char *name);

/* What a cache with no choices of its own keeps of `response`, an answer at `time` to `request`:
 * one reference for the caller. NULL: out of memory. */
vi_stored *stored_of(const vi_request *request, const vi_response *response, double time,
                     bool shared);

/* An empty buffer that is freed when the test ends. */
vi_buffer *scratch(void);

#endif
