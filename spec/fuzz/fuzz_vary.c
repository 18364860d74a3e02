/* Vary, and the lists in it and in what requests prefer: what a request selects matches that
 * request and no other member than those in the field. A language that is liked best is named.
 *
 * The input: a line for Vary, and then the value of every field that it names; of that the first
 * line is for the other request. */
#include "fuzz.h"

#include "cache/language.h"
#include "cache/list.h"
#include "cache/vary.h"

static vi_text take_line(vi_text *rest) {
  const char *end = rest->length ? memchr(rest->data, '\n', rest->length) : NULL;
  vi_text line = {rest->data, end ? (size_t)(end - rest->data) : rest->length};
  size_t step = end ? line.length + 1 : line.length;
  *rest = (vi_text){rest->data + step, rest->length - step};
  return line;
}

static vi_request *request_with(vi_text names, vi_text value) {
  vi_text name;
  vi_request *request =
      vi_request_new(VI_TEXT("GET"), VI_TEXT("https://example.org/"), VI_TEXT(""), NULL, NULL);
  PROMISE(request);
  while (vi_list_next(&names, &name))
    if (!vi_headers_check(name, value))
      vi_headers_add(&request->headers, name, value);
  return request;
}

static void check_members(const vi_headers *response, vi_text names, vi_text selection) {
  vi_text name, previous = names;
  while (vi_list_next(&names, &name)) {
    PROMISE(name.length > 0 && vi_text_equal(name, vi_text_trim(name)));
    PROMISE(names.length < previous.length);
    PROMISE(vi_vary_names(response, name) && vi_vary_is_by(selection, name));
    previous = names;
  }
}

static void check_language(vi_text accepted) {
  vi_text rest = accepted, member;
  PROMISE(!vi_language_is_liked_best(accepted, VI_TEXT("")));
  while (vi_list_next(&rest, &member))
    if (vi_language_is_liked_best(accepted, member))
      PROMISE(!vi_language_is_liked_best(accepted, VI_TEXT("not-in-the-list")));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  vi_text rest = {(const char *)bytes, length}, names = take_line(&rest);
  vi_text other_value = take_line(&rest);
  vi_headers response = {0};
  vi_buffer selection = {0}, other_selection = {0};
  vi_policy policy = {0};
  vi_request *request = request_with(names, rest), *other = request_with(names, other_value);
  if (vi_headers_add(&response, VI_TEXT("Vary"), names) == VI_HEADERS_OK) {
    PROMISE(vi_vary_select(&policy, &response, request, &selection));
    PROMISE(vi_vary_select(&policy, &response, other, &other_selection));
    vi_text selected = vi_buffer_text(&selection);
    check_members(&response, names, selected);
    PROMISE(vi_vary_matches(&policy, selected, VI_TEXT(""), request));
    PROMISE(vi_vary_matches(&policy, selected, VI_TEXT(""), other) ==
            vi_text_equal(selected, vi_buffer_text(&other_selection)));
  }
  check_language(rest);
  vi_buffer_free(&selection);
  vi_buffer_free(&other_selection);
  vi_headers_free(&response);
  vi_request_release(request);
  vi_request_release(other);
  return 0;
}
