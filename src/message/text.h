/* A borrowed view of bytes: pointer and length, not NUL-terminated, owned by somebody else.
 *
 * Views are passed by value and are valid only as long as what they look into. All comparisons
 * are of ASCII, as HTTP's are; no locale takes part. */
#ifndef VI_MESSAGE_TEXT_H
#define VI_MESSAGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct vi_text {
  const char *data;
  size_t length;
} vi_text;

/* A view of a string literal. */
#define VI_TEXT(literal) ((vi_text){(literal), sizeof(literal) - 1})

/* A view of a NUL-terminated string; NULL gives the empty view. */
static inline vi_text vi_text_of(const char *string) {
  return (vi_text){string, string ? strlen(string) : 0};
}

/* True if both are the same bytes. */
bool vi_text_equal(vi_text a, vi_text b);

/* Less than 0, 0 or more, as `a` comes before `b`, is the same, or comes behind it: byte by byte.
 */
int vi_text_compare(vi_text a, vi_text b);

/* True if both are the same but for the case of ASCII letters. */
bool vi_text_equal_nocase(vi_text a, vi_text b);

/* True if `text` starts with `prefix`, ASCII case ignored. */
bool vi_text_starts_nocase(vi_text text, vi_text prefix);

/* The view without the spaces and tabs around it (OWS of RFC 9110 5.6.3). */
vi_text vi_text_trim(vi_text text);

/* True if `text` is a token of RFC 9110 5.6.2: a method or a field name; empty is none. */
bool vi_text_is_token(vi_text text);

/* True if `text` may be a field value: no CR, LF or NUL (RFC 9110 5.5). */
bool vi_text_is_field_value(vi_text text);

/* True if `text` is UTF-8 (RFC 3629): no surrogates, nothing longer than it has to be. */
bool vi_text_is_utf8(vi_text text);

/* Puts a point where the number that printf wrote has what the locale wants instead, in place.
 * Returns its length. */
size_t vi_text_with_point(char *number);

/* Reads decimal digits only, the whole view; values too large clamp to INT64_MAX.
 * False for an empty view or any other character. */
bool vi_text_to_integer(vi_text text, int64_t *value);

/* What a message shows of bytes that were given: 60 at most, with '?' for control characters. */
typedef struct vi_shown {
  char text[61];
} vi_shown;

vi_shown vi_text_shown(vi_text text);

/* ASCII lower case of one byte. */
char vi_char_lower(char c);

#endif
