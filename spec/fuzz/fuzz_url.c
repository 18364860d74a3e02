/* URLs: what comes out is in normal form, that is, it comes out again, and has nothing in it that
 * ends a line. A host may be in other letters than ASCII's. */
#include "fuzz.h"

#include "message/url.h"

static void check(const vi_buffer *url) {
  vi_buffer again = {0};
  PROMISE(vi_url_normalize(vi_buffer_text(url), VI_TEXT(""), &again, NULL));
  PROMISE(vi_text_equal(vi_buffer_text(url), vi_buffer_text(&again)));
  vi_buffer_free(&again);
  for (size_t i = 0; i < url->length; i++)
    PROMISE((unsigned char)url->data[i] > ' ' && url->data[i] != 127);
  PROMISE(vi_url_origin(vi_buffer_text(url)).length <= url->length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  vi_text text = {(const char *)bytes, length};
  vi_buffer url = {0};
  if (vi_url_normalize(text, VI_TEXT(""), &url, NULL))
    check(&url);
  if (vi_url_resolve(VI_TEXT("https://example.org/a/b?c"), text, &url, NULL))
    check(&url);
  vi_buffer_free(&url);
  return 0;
}
