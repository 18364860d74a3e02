#include "cache/range.h"

static bool take_prefix(vi_text *rest, vi_text prefix) {
  if (!vi_text_starts_nocase(*rest, prefix))
    return false;
  rest->data += prefix.length;
  rest->length -= prefix.length;
  return true;
}

/* Splits `text` at the first `mark`; false if there is none. */
static bool split(vi_text text, char mark, vi_text *left, vi_text *right) {
  for (size_t i = 0; i < text.length; i++)
    if (text.data[i] == mark) {
      *left = vi_text_trim((vi_text){text.data, i});
      *right = vi_text_trim((vi_text){text.data + i + 1, text.length - i - 1});
      return true;
    }
  return false;
}

bool vi_range_read(vi_text value, vi_range *out) {
  vi_text rest = vi_text_trim(value), first, last;
  if (!take_prefix(&rest, VI_TEXT("bytes=")) || !split(rest, '-', &first, &last))
    return false;
  *out = (vi_range){-1, INT64_MAX};
  if (first.length > 0 && !vi_text_to_integer(first, &out->first))
    return false;
  if (last.length > 0 ? !vi_text_to_integer(last, &out->last) : first.length == 0)
    return false;
  return out->first <= out->last;
}

bool vi_range_resolve(vi_range *range, int64_t length) {
  if (range->first < 0) {
    int64_t wanted = range->last;
    if (wanted == 0 || length == 0)
      return false;
    *range = (vi_range){wanted < length ? length - wanted : 0, length - 1};
    return true;
  }
  if (range->first >= length)
    return false;
  if (range->last >= length)
    range->last = length - 1;
  return true;
}

bool vi_content_range_read(vi_text value, vi_range *out, int64_t *length) {
  vi_text rest = vi_text_trim(value), range, whole, first, last;
  *length = -1;
  return take_prefix(&rest, VI_TEXT("bytes ")) && split(rest, '/', &range, &whole) &&
         split(range, '-', &first, &last) && vi_text_to_integer(first, &out->first) &&
         vi_text_to_integer(last, &out->last) && out->first <= out->last &&
         out->last < INT64_MAX && /* so that its length is a number, too */
         (vi_text_equal(whole, VI_TEXT("*")) ||
          (vi_text_to_integer(whole, length) && out->last < *length));
}
