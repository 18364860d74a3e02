#include "cache/list.h"

static size_t member_length(vi_text rest) {
  bool quoted = false;
  size_t i = 0;
  for (; i < rest.length && (quoted || rest.data[i] != ','); i++)
    if (rest.data[i] == '"')
      quoted = !quoted;
    else if (quoted && rest.data[i] == '\\' && i + 1 < rest.length)
      i++;
  return i;
}

bool vi_list_next(vi_text *rest, vi_text *member) {
  while (rest->length > 0) {
    size_t length = member_length(*rest);
    *member = vi_text_trim((vi_text){rest->data, length});
    size_t step = length < rest->length ? length + 1 : length;
    *rest = (vi_text){rest->data + step, rest->length - step};
    if (member->length > 0)
      return true;
  }
  return false;
}
