#include "cache/language.h"

#include "cache/list.h"

/* A weight (RFC 9110 12.4.2) in thousandths; -1: it is none. */
static int read_weight(vi_text text) {
  int weight = 0, scale = 1000;
  if (text.length == 0 || text.length > 5 || (text.length > 1 && text.data[1] != '.'))
    return -1;
  for (size_t i = 0; i < text.length; i++) {
    char c = text.data[i];
    if (i == 1)
      continue;
    if (c < '0' || c > '9')
      return -1;
    weight += (c - '0') * scale;
    scale /= 10;
  }
  return weight <= 1000 ? weight : -1;
}

/* Splits a member into its range and its weight. */
static int read_member(vi_text member, vi_text *range) {
  size_t end = 0;
  while (end < member.length && member.data[end] != ';')
    end++;
  *range = vi_text_trim((vi_text){member.data, end});
  if (end == member.length)
    return 1000;
  vi_text weight = vi_text_trim((vi_text){member.data + end + 1, member.length - end - 1});
  if (!vi_text_starts_nocase(weight, VI_TEXT("q=")))
    return -1;
  return read_weight((vi_text){weight.data + 2, weight.length - 2});
}

bool vi_language_is_liked_best(vi_text accepted, vi_text language) {
  int wanted = 0, others = 0;
  vi_text member, range;
  while (vi_list_next(&accepted, &member)) {
    int weight = read_member(member, &range);
    int *most = vi_text_equal_nocase(range, language) ? &wanted : &others;
    if (weight < 0 || range.length == 0)
      return false;
    if (weight > *most)
      *most = weight;
  }
  return wanted > others;
}
