/* A Cache-Control field and a targeted one: what is read is within its range, and what the
 * qualified names take out was there. */
#include "fuzz.h"

#include "cache/cache_control.h"

static void check_seconds(int64_t seconds) {
  PROMISE(seconds >= VI_ABSENT);
}

static void check(const vi_cache_control *control) {
  check_seconds(control->max_age);
  check_seconds(control->s_maxage);
  check_seconds(control->min_fresh);
  check_seconds(control->max_stale);
  check_seconds(control->stale_while_revalidate);
  check_seconds(control->stale_if_error);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  static const vi_text targets[] = {{"CDN-Cache-Control", 17}};
  vi_text value = {(const char *)bytes, length};
  vi_headers headers = {0};
  vi_cache_control control;
  if (vi_headers_add(&headers, VI_TEXT("Cache-Control"), value) == VI_HEADERS_OK &&
      vi_headers_add(&headers, targets[0], value) == VI_HEADERS_OK) {
    size_t count = headers.count;
    vi_cache_control_read(&headers, &control);
    PROMISE(control.present);
    check(&control);
    if (vi_cache_control_read_targeted(&headers, targets, 1, &control))
      check(&control);
    vi_cache_control_strip_qualified(&headers);
    PROMISE(headers.count <= count);
  }
  vi_headers_free(&headers);
  return 0;
}
