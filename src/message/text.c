#include "message/text.h"

#include <string.h>

char vi_char_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool vi_text_equal(vi_text a, vi_text b) {
  return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
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
