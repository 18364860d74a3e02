#include "transport/features.h"

#include <curl/curl.h>

static const struct {
  const char *name;
  int bit;
} known[] = {
    {"tls", CURL_VERSION_SSL},     {"http2", CURL_VERSION_HTTP2},
    {"http3", CURL_VERSION_HTTP3}, {"public_suffixes", CURL_VERSION_PSL},
    {"idn", CURL_VERSION_IDN},     {"unix_sockets", CURL_VERSION_UNIX_SOCKETS},
};

const char *vi_feature_name(size_t index) {
  return index < sizeof known / sizeof *known ? known[index].name : NULL;
}

bool vi_feature_is_there(size_t index) {
  return (curl_version_info(CURLVERSION_NOW)->features & known[index].bit) != 0;
}
