/* Range and Content-Range: what they mean of a length lies within it. */
#include "fuzz.h"

#include "cache/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  vi_text text = {(const char *)bytes, length};
  vi_range range;
  int64_t whole;
  for (int64_t size = 0; size < 20; size += 9)
    if (vi_range_read(text, &range) && vi_range_resolve(&range, size))
      PROMISE(0 <= range.first && range.first <= range.last && range.last < size);
  if (vi_content_range_read(text, &range, &whole)) {
    PROMISE(0 <= range.first && range.first <= range.last);
    PROMISE(whole == -1 || range.last < whole);
  }
  return 0;
}
