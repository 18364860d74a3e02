/* cache/language: which language a request likes best (RFC 9110 12.5.4). */
#include "cache/language.h"

#include "tap.h"

static bool likes(const char *accepted, const char *language) {
  tap_at("%s / %s", accepted, language);
  return vi_language_is_liked_best(vi_text_of(accepted), vi_text_of(language));
}

IT("is the one of the greatest weight, which is 1 where none is given") {
  check(likes("de", "de"));
  check(likes("fr;q=0.5, de;q=1.0", "de"));
  check(likes("en;q=0.899,de ; Q=0.9,*;q=0.1", "DE"));
  check(likes("de, de;q=0.1, en;q=0.5", "de"));
  check(likes("de, en;q=0.", "de"));
}

IT("is none of several that are liked as much, nor one that is not wanted") {
  check(!likes("en, de", "de"));
  check(!likes("de;q=0.5, *;q=0.5", "de"));
  check(!likes("de;q=0", "de"));
  check(!likes("en, fr;q=0.1, de;q=0.999", "de"));
}

IT("is no language that the request does not name as it is") {
  check(!likes("de-CH", "de"));
  check(!likes("de", "de-CH"));
  check(!likes("*", "de"));
  check(!likes("", "de"));
  check(!likes("de", ""));
  check(!likes(";q=1", ""));
  check(!likes("de", "de, en"));
}

IT("is unknown where a weight is none") {
  const char *wrong[] = {"de;q=2", "de;q=1.001", "de;q=0.1234", "de;q=",    "de;q=-1",
                         "de;q=x", "de;q=11",    "de;v=1",      "de;q=1;x", "de, en;q=.5"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(!likes(wrong[i], "de"));
}
