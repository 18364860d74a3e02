#include "cache/vary.h"

#include "cache/language.h"
#include "cache/list.h"

#include <stdlib.h>
#include <string.h>

static const vi_text VARY = {"Vary", sizeof "Vary" - 1};

bool vi_vary_names(const vi_headers *response, vi_text wanted) {
  for (size_t i = vi_headers_find(response, VARY, 0); i < response->count;
       i = vi_headers_find(response, VARY, i + 1)) {
    vi_text rest = vi_headers_value(response, i), name;
    while (vi_list_next(&rest, &name))
      if (vi_text_equal_nocase(name, wanted) || !vi_text_is_token(name))
        return true;
  }
  return false;
}

/* Fields whose members mean the same in any order and case (RFC 9110 12.4.2, 12.5). */
static bool is_preference(vi_text name) {
  static const char *const names[] = {"accept", "accept-charset", "accept-encoding",
                                      "accept-language"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (vi_text_equal(name, vi_text_of(names[i])))
      return true;
  return false;
}

static int compare(const void *left, const void *right) {
  const vi_text *a = left, *b = right;
  int order = memcmp(a->data, b->data, a->length < b->length ? a->length : b->length);
  return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* Sorts the members of the list in `value`, in lower case and without blanks, in place. */
static bool normalize(vi_buffer *value) {
  enum { MOST = 64 }; /* a longer list stays as it is: then it only matches itself */
  vi_text members[MOST], rest = vi_buffer_text(value);
  size_t count = 0, kept = 0;
  vi_buffer sorted = {0};
  for (size_t i = 0; i < value->length; i++)
    if (value->data[i] != ' ' && value->data[i] != '\t')
      value->data[kept++] = vi_char_lower(value->data[i]);
  value->length = rest.length = kept;
  while (count < MOST && vi_list_next(&rest, &members[count]))
    count++;
  if (rest.length > 0)
    return true;
  qsort(members, count, sizeof *members, compare);
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++)
    ok = (i == 0 || vi_buffer_append_char(&sorted, ',')) &&
         vi_buffer_append_text(&sorted, members[i]);
  if (ok) {
    vi_buffer_clear(value);
    ok = vi_buffer_append_text(value, vi_buffer_text(&sorted)); /* it is not longer */
  }
  vi_buffer_free(&sorted);
  return ok;
}

/* Fields that say who asks: a blank more may be another user. */
static bool is_identity(vi_text name) {
  return vi_text_equal(name, VI_TEXT("cookie")) || vi_text_equal(name, VI_TEXT("authorization"));
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/* Takes out the blanks around the commas of a list, in place, but for those in quotes. */
static void tighten(vi_buffer *value) {
  bool quoted = false;
  size_t kept = 0;
  for (size_t i = 0; i < value->length; i++) {
    char c = value->data[i];
    bool separates = c == ',' && !quoted;
    while (separates && kept > 0 && is_blank(value->data[kept - 1]))
      kept--;
    value->data[kept++] = c;
    if (c == '"')
      quoted = !quoted;
    else if (c == '\\' && quoted && i + 1 < value->length)
      value->data[kept++] = value->data[++i];
    while (separates && i + 1 < value->length && is_blank(value->data[i + 1]))
      i++;
  }
  value->length = kept;
}

/* Appends "=" and what will be sent in that field, nothing if it is absent. */
static bool append_value(const vi_policy *policy, const vi_request *request, vi_text name,
                         vi_buffer *out) {
  vi_buffer value = {0};
  bool present = vi_headers_has(&request->headers, name);
  bool ok = vi_headers_join(&request->headers, name, &value);
  if (policy->sent_field && policy->sent_field(policy->context, request, name, &value))
    present = true;
  if (is_preference(name))
    ok = ok && normalize(&value);
  else if (!is_identity(name))
    tighten(&value);
  if (present)
    ok = ok && vi_buffer_append_char(out, '=') &&
         vi_buffer_append_text(out, vi_text_trim(vi_buffer_text(&value)));
  vi_buffer_free(&value);
  return ok;
}

static bool append_name(vi_buffer *out, vi_text name) {
  for (size_t i = 0; i < name.length; i++)
    if (!vi_buffer_append_char(out, vi_char_lower(name.data[i])))
      return false;
  return true;
}

static bool add(const vi_policy *policy, const vi_request *request, vi_text name, vi_buffer *out) {
  vi_buffer lower = {0}, value = {0};
  bool ok = append_name(&lower, name) &&
            append_value(policy, request, vi_buffer_text(&lower), &value) &&
            vi_pack(out, vi_buffer_text(&lower)) && vi_pack(out, vi_buffer_text(&value));
  vi_buffer_free(&lower);
  vi_buffer_free(&value);
  return ok;
}

bool vi_vary_select(const vi_policy *policy, const vi_headers *response, const vi_request *request,
                    vi_buffer *out) {
  for (size_t i = vi_headers_find(response, VARY, 0); i < response->count;
       i = vi_headers_find(response, VARY, i + 1)) {
    vi_text rest = vi_headers_value(response, i), name;
    while (vi_list_next(&rest, &name))
      if (!add(policy, request, name, out))
        return false;
  }
  return true;
}

void vi_vary_read_jar(const vi_policy *policy, const vi_request *request, vi_buffer *out) {
  if (policy->sent_field)
    policy->sent_field(policy->context, request, VI_TEXT("Cookie"), out);
}

bool vi_vary_is_by(vi_text selection, vi_text wanted) {
  vi_text name, value;
  while (vi_unpack(&selection, &name) && vi_unpack(&selection, &value))
    if (vi_text_equal_nocase(name, wanted))
      return true;
  return false;
}

static bool suits_language(const vi_policy *policy, vi_text name, vi_text value, vi_text language) {
  return policy->select_language && vi_text_equal(name, VI_TEXT("accept-language")) &&
         value.length > 0 &&
         vi_language_is_liked_best((vi_text){value.data + 1, value.length - 1}, language);
}

bool vi_vary_matches(const vi_policy *policy, vi_text selection, vi_text language,
                     const vi_request *request) {
  vi_buffer value = {0};
  vi_text name, stored;
  bool same = true;
  while (same && vi_unpack(&selection, &name) && vi_unpack(&selection, &stored)) {
    vi_buffer_clear(&value);
    same = append_value(policy, request, name, &value) &&
           (vi_text_equal(vi_buffer_text(&value), stored) ||
            suits_language(policy, name, vi_buffer_text(&value), language));
  }
  vi_buffer_free(&value);
  return same;
}
