/* Stored responses for tests, and the moment that all of them live in. What a function here returns
 * is released when the running test ends. */
#ifndef SPEC_ENTRIES_H
#define SPEC_ENTRIES_H

#include "messages.h"

static const double NOW = 784111777;
#define AT_NOW "Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:48:37 GMT" /* by a minute */
#define LATER "Sun, 06 Nov 1994 08:50:37 GMT"   /* by a minute */
#define DATE "Date: " AT_NOW "\n"

/* Caches that leave all to the server. */
extern const vi_policy SHARED, PRIVATE;

/* The entry of an answer at `time`, made as the cache makes it, whether it may be stored or not. */
vi_stored *entry_of(const vi_policy *policy, const vi_request *request, const vi_response *response,
                    double time);

/* Likewise of "content", answered with 200 at NOW to a GET with the fields `asked`. */
vi_stored *entry_for(const vi_policy *policy, const char *asked, const char *fields);

/* Likewise in a shared cache, to a plain GET. */
vi_stored *entry_with(const char *fields);

/* Likewise of a part, answered with 206, of a strong ETag "1". */
vi_stored *part_with(const char *content_range, const char *fields, const char *body);

/* The value that the entry keeps of that field, the empty view if it keeps none. */
vi_text kept(const vi_stored *entry, const char *name);

/* Frees what a function under test returned when the running test ends; returns it. */
vi_request *soon_released_request(vi_request *request);
vi_response *soon_released(vi_response *response);

#endif
