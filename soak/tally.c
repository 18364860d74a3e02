#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CASES = 64, LINE = TALLY_NAME + 48 };

typedef struct tally_case {
  char name[TALLY_NAME];
  size_t requests, repeated;
} tally_case;

static tally_case cases[MOST_CASES];
static size_t case_count;
static unsigned char *seen; /* a bit for each number */
static size_t seen_bytes;

/* The last one is for all that find no room. */
static tally_case *find(const char *name) {
  size_t i = 0;
  while (i < case_count && strcmp(cases[i].name, name) != 0)
    i++;
  if (i == case_count && case_count < MOST_CASES)
    snprintf(cases[case_count++].name, TALLY_NAME, "%s", name);
  return &cases[i < MOST_CASES ? i : MOST_CASES - 1];
}

size_t tally_add(const char *name) {
  return find(name)->requests++;
}

static void make_room(size_t byte) {
  size_t size = seen_bytes ? seen_bytes : 1 << 16;
  while (size <= byte)
    size *= 2;
  if (size == seen_bytes)
    return;
  unsigned char *larger = realloc(seen, size);
  if (!larger)
    abort();
  memset(larger + seen_bytes, 0, size - seen_bytes);
  seen = larger;
  seen_bytes = size;
}

void tally_once(const char *name, unsigned long number) {
  size_t byte = number / 8;
  unsigned bit = 1u << number % 8;
  make_room(byte);
  if (seen[byte] & bit)
    find(name)->repeated++;
  seen[byte] = (unsigned char)(seen[byte] | bit);
}

void tally_clear(void) {
  memset(cases, 0, sizeof cases);
  case_count = 0;
  free(seen);
  seen = NULL;
  seen_bytes = 0;
}

char *tally_text(void) {
  char *text = calloc(1, case_count * LINE + 1);
  size_t length = 0;
  if (!text)
    abort();
  for (size_t i = 0; i < case_count; i++)
    length += (size_t)snprintf(text + length, LINE, "%s %zu %zu\n", cases[i].name,
                               cases[i].requests, cases[i].repeated);
  return text;
}
