#include "transport/fold_guard.h"

/* libcurl shows each header line to CURLOPT_DEBUGFUNCTION, which is called only while it is
 * verbose, before it does with it what it must not. */
static int look(CURL *easy, curl_infotype type, char *line, size_t size, void *unused) {
  (void)unused;
  if (type != CURLINFO_HEADER_IN)
    return 0;
  if (size > 0 && (line[0] == ' ' || line[0] == '\t'))
    line[0] = VI_FOLD_MARK;
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 0L);
  return 0;
}

bool vi_fold_guard_set(CURL *easy) {
  unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
  bool is_needed = version >= 0x075300 && version < 0x080100;
  if (is_needed)
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, look);
  return is_needed;
}

void vi_fold_guard_arm(CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
}
