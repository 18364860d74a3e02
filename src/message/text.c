#include "message/text.h"

#include <string.h>

char vi_char_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool vi_text_equal(vi_text a, vi_text b) {
  return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

int vi_text_compare(vi_text a, vi_text b) {
  size_t common = a.length < b.length ? a.length : b.length;
  int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
  return order ? order : (a.length > b.length) - (a.length < b.length);
}

bool vi_text_equal_nocase(vi_text a, vi_text b) {
  return a.length == b.length && vi_text_starts_nocase(a, b);
}

bool vi_text_starts_nocase(vi_text text, vi_text prefix) {
  if (text.length < prefix.length)
    return false;
  for (size_t i = 0; i < prefix.length; i++)
    if (text.data[i] != prefix.data[i] &&
        vi_char_lower(text.data[i]) != vi_char_lower(prefix.data[i]))
      return false;
  return true;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

vi_text vi_text_trim(vi_text text) {
  while (text.length > 0 && is_blank(text.data[0])) {
    text.data++;
    text.length--;
  }
  while (text.length > 0 && is_blank(text.data[text.length - 1]))
    text.length--;
  return text;
}

static bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
    return true;
  return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool vi_text_is_token(vi_text text) {
  for (size_t i = 0; i < text.length; i++)
    if (!is_token_char(text.data[i]))
      return false;
  return text.length > 0;
}

bool vi_text_is_field_value(vi_text text) {
  for (size_t i = 0; i < text.length; i++)
    if (text.data[i] == '\r' || text.data[i] == '\n' || text.data[i] == '\0')
      return false;
  return true;
}

/* The bytes of the character at `bytes`, of which there are `left`; 0: it is none (RFC 3629 4). */
static size_t character_length(const unsigned char *bytes, size_t left) {
  unsigned char first = bytes[0];
  if (first < 0x80)
    return 1;
  size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4 || left < length)
    return 0;
  unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (bytes[1] < least || bytes[1] > most)
    return 0;
  for (size_t i = 2; i < length; i++)
    if ((bytes[i] & 0xc0) != 0x80)
      return 0;
  return length;
}

bool vi_text_is_utf8(vi_text text) {
  const unsigned char *bytes = (const unsigned char *)text.data;
  size_t length = 0;
  for (size_t i = 0; i < text.length; i += length) {
    length = character_length(bytes + i, text.length - i);
    if (length == 0)
      return false;
  }
  return true;
}

size_t vi_text_with_point(char *number) {
  char *mark = number + strspn(number, "-0123456789");
  size_t length = strcspn(mark, "0123456789e");
  if (*mark && length > 0) {
    *mark = '.';
    memmove(mark + 1, mark + length, strlen(mark + length) + 1);
  }
  return strlen(number);
}

vi_shown vi_text_shown(vi_text text) {
  vi_shown shown = {{0}};
  for (size_t i = 0; i < text.length && i < sizeof shown.text - 1; i++) {
    unsigned char c = (unsigned char)text.data[i];
    shown.text[i] = c < ' ' || c == 0x7f ? '?' : text.data[i];
  }
  return shown;
}

bool vi_text_to_integer(vi_text text, int64_t *value) {
  int64_t total = 0;
  for (size_t i = 0; i < text.length; i++) {
    if (text.data[i] < '0' || text.data[i] > '9')
      return false;
    int digit = text.data[i] - '0';
    total = total > (INT64_MAX - digit) / 10 ? INT64_MAX : total * 10 + digit;
  }
  *value = total;
  return text.length > 0;
}
