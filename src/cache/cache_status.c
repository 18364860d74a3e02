#include "cache/cache_status.h"

#include <math.h>
#include <stdio.h>

const char *vi_forward_name(vi_forward forward) {
  static const char *const names[] = {
      [VI_FORWARD_NONE] = "",
      [VI_FORWARD_BYPASS] = "bypass",
      [VI_FORWARD_METHOD] = "method",
      [VI_FORWARD_URI_MISS] = "uri-miss",
      [VI_FORWARD_VARY_MISS] = "vary-miss",
      [VI_FORWARD_REQUEST] = "request",
      [VI_FORWARD_STALE] = "stale",
      [VI_FORWARD_PARTIAL] = "partial",
  };
  return names[forward];
}

static double clamp(double seconds) {
  return seconds < -999999999 ? -999999999 : seconds > 999999999 ? 999999999 : seconds;
}

bool vi_cache_status_add(const vi_cache_facts *facts, vi_headers *headers) {
  char status[32] = "", ttl[32] = "", detail[48] = "", text[224];
  if (facts->forward_status)
    snprintf(status, sizeof status, "; fwd-status=%d", facts->forward_status);
  if (facts->hit || facts->stored)
    snprintf(ttl, sizeof ttl, "; ttl=%.0f", floor(clamp(facts->ttl)));
  if (facts->refusal)
    snprintf(detail, sizeof detail, "; detail=%s", vi_refusal_name((vi_refusal)facts->refusal));
  snprintf(text, sizeof text, "viesti%s%s%s%s%s%s%s%s", facts->hit ? "; hit" : "",
           !facts->hit && facts->forward ? "; fwd=" : "",
           facts->hit ? "" : vi_forward_name((vi_forward)facts->forward), status, ttl,
           facts->stored ? "; stored" : "", facts->collapsed ? "; collapsed" : "", detail);
  return vi_headers_add(headers, VI_TEXT("Cache-Status"), vi_text_of(text)) == VI_HEADERS_OK;
}
