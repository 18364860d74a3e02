/* What has reached the origin: requests by case, and the numbers of those that must come once. */
#ifndef SOAK_TALLY_H
#define SOAK_TALLY_H

#include <stdbool.h>
#include <stddef.h>

enum { TALLY_NAME = 32 };

/* Counts a request for a case; how many there were before it. */
size_t tally_add(const char *name);

/* Notes the number of a POST. */
void tally_once(const char *name, unsigned long number);

/* Forgets all. */
void tally_clear(void);

/* Writes a line "NAME REQUESTS REPEATED" for each case, where REPEATED counts POSTs whose number
 * had come before. Allocated; the caller frees it. */
char *tally_text(void);

#endif
