/* A date: it is in the years of four digits, whatever the time is now. */
#include "fuzz.h"

#include "message/http_date.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  vi_text text = {(const char *)bytes, length};
  int64_t seconds;
  if (vi_http_date_parse(text, 784111777, &seconds))
    PROMISE(seconds >= -62167219200 && seconds <= 253402300799);
  return 0;
}
