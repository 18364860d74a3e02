#include "cache/structured_field.h"

#include <string.h>

/* A parser here takes what it reads off `rest`, and returns false where that is not what it must
 * be. */
static char peek(const vi_text *rest) {
  return rest->length > 0 ? rest->data[0] : '\0';
}

static void step(vi_text *rest) {
  rest->data++;
  rest->length--;
}

static bool take(vi_text *rest, char c) {
  if (rest->length == 0 || rest->data[0] != c)
    return false;
  step(rest);
  return true;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

static bool is_alpha(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set) {
  return c != '\0' && strchr(set, c) != NULL;
}

static void skip_spaces(vi_text *rest) {
  while (peek(rest) == ' ')
    step(rest);
}

static void skip_blanks(vi_text *rest) {
  while (peek(rest) == ' ' || peek(rest) == '\t')
    step(rest);
}

/* 4.2.3.3 */
static bool take_key(vi_text *rest, vi_text *key) {
  *key = (vi_text){rest->data, 0};
  if (!is_lower(peek(rest)) && peek(rest) != '*')
    return false;
  while (is_lower(peek(rest)) || is_digit(peek(rest)) || is_one_of(peek(rest), "_-.*")) {
    step(rest);
    key->length++;
  }
  return true;
}

static size_t take_digits(vi_text *rest, int64_t *value) {
  size_t count = 0;
  for (; is_digit(peek(rest)); step(rest), count++)
    if (count < 15)
      *value = *value * 10 + (peek(rest) - '0');
  return count;
}

/* 4.2.4: at most 15 digits, or 12 before the point and 3 behind it. */
static bool take_number(vi_text *rest, vi_sf_member *out) {
  enum { INTEGER_DIGITS = 15, WHOLE_DIGITS = 12, FRACTION_DIGITS = 3 };
  bool negative = take(rest, '-');
  int64_t value = 0, fraction = 0;
  size_t digits = take_digits(rest, &value);
  if (digits == 0 || digits > INTEGER_DIGITS)
    return false;
  if (take(rest, '.')) {
    size_t decimals = take_digits(rest, &fraction);
    out->kind = VI_SF_OTHER;
    return digits <= WHOLE_DIGITS && decimals > 0 && decimals <= FRACTION_DIGITS;
  }
  out->kind = VI_SF_INTEGER;
  out->integer = negative ? -value : value;
  return true;
}

/* 4.2.5 */
static bool take_string(vi_text *rest) {
  for (step(rest); rest->length > 0; step(rest)) {
    char c = peek(rest);
    if (c == '"') {
      step(rest);
      return true;
    }
    if (c == '\\') {
      step(rest);
      c = peek(rest);
      if (c != '"' && c != '\\')
        return false;
    } else if (c < ' ' || c > '~') {
      return false;
    }
  }
  return false;
}

/* 4.2.7: what stands between colons. */
static bool take_bytes(vi_text *rest) {
  step(rest);
  while (is_alpha(peek(rest)) || is_digit(peek(rest)) || is_one_of(peek(rest), "+/="))
    step(rest);
  return take(rest, ':');
}

/* 4.2.10: a percent sign, then a string with bytes in hexadecimal. */
static bool take_display_string(vi_text *rest) {
  step(rest);
  if (!take(rest, '"'))
    return false;
  while (rest->length > 0 && peek(rest) != '"') {
    if (peek(rest) < ' ' || peek(rest) > '~')
      return false;
    if (take(rest, '%'))
      for (int i = 0; i < 2; i++)
        if (!is_digit(peek(rest)) && !(peek(rest) >= 'a' && peek(rest) <= 'f'))
          return false;
        else
          step(rest);
    else
      step(rest);
  }
  return take(rest, '"');
}

static void take_token(vi_text *rest) {
  while (rest->length > 0 &&
         (vi_text_is_token((vi_text){rest->data, 1}) || is_one_of(peek(rest), ":/")))
    step(rest);
}

static bool take_date(vi_text *rest) {
  vi_sf_member date;
  step(rest);
  return take_number(rest, &date) && date.kind == VI_SF_INTEGER;
}

static bool take_boolean(vi_text *rest, vi_sf_member *out) {
  step(rest);
  out->kind = peek(rest) == '1' ? VI_SF_TRUE : VI_SF_FALSE;
  return take(rest, '1') || take(rest, '0');
}

/* 4.2.3.1 */
static bool take_bare_item(vi_text *rest, vi_sf_member *out) {
  char c = peek(rest);
  out->kind = VI_SF_OTHER;
  if (c == '-' || is_digit(c))
    return take_number(rest, out);
  if (c == '?')
    return take_boolean(rest, out);
  if (c == '"')
    return take_string(rest);
  if (c == ':')
    return take_bytes(rest);
  if (c == '%')
    return take_display_string(rest);
  if (c == '@')
    return take_date(rest);
  if (!is_alpha(c) && c != '*')
    return false;
  take_token(rest);
  return true;
}

/* 4.2.3.2 */
static bool take_parameters(vi_text *rest) {
  while (take(rest, ';')) {
    vi_text key;
    vi_sf_member value;
    skip_spaces(rest);
    if (!take_key(rest, &key) || (take(rest, '=') && !take_bare_item(rest, &value)))
      return false;
  }
  return true;
}

static bool take_item(vi_text *rest, vi_sf_member *out) {
  return take_bare_item(rest, out) && take_parameters(rest);
}

/* 4.2.1.2 */
static bool take_inner_list(vi_text *rest) {
  vi_sf_member item;
  step(rest);
  for (;;) {
    skip_spaces(rest);
    if (take(rest, ')'))
      return take_parameters(rest);
    if (!take_item(rest, &item) || (peek(rest) != ' ' && peek(rest) != ')'))
      return false;
  }
}

static bool take_member(vi_text *rest, vi_sf_member *out) {
  *out = (vi_sf_member){.kind = VI_SF_TRUE};
  if (!take_key(rest, &out->key))
    return false;
  if (!take(rest, '='))
    return take_parameters(rest);
  if (peek(rest) == '(') {
    out->kind = VI_SF_OTHER;
    return take_inner_list(rest);
  }
  return take_item(rest, out);
}

/* 4.2 and 4.2.2 */
bool vi_sf_dictionary(vi_text value, vi_sf_visitor *visit, void *context) {
  vi_text rest = value;
  skip_spaces(&rest);
  while (rest.length > 0) {
    vi_sf_member member;
    if (!take_member(&rest, &member))
      return false;
    if (visit)
      visit(context, &member);
    skip_blanks(&rest);
    if (rest.length == 0)
      return true;
    if (!take(&rest, ','))
      return false;
    skip_blanks(&rest);
    if (rest.length == 0)
      return false; /* a comma at the end */
  }
  return true;
}
