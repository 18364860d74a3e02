/* A dictionary: keys are keys, and integers have 15 digits at most. */
#include "fuzz.h"

#include "cache/structured_field.h"

static void visit(void *context, const vi_sf_member *member) {
  vi_text all = *(const vi_text *)context;
  PROMISE(member->key.length > 0);
  PROMISE(member->key.data >= all.data &&
          member->key.data + member->key.length <= all.data + all.length);
  PROMISE(member->integer > -1000000000000000 && member->integer < 1000000000000000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  vi_text value = {(const char *)bytes, length};
  bool first = vi_sf_dictionary(value, visit, &value);
  PROMISE(vi_sf_dictionary(value, NULL, NULL) == first);
  return 0;
}
