/* cache/cache_status: the Cache-Status field (RFC 9211). */
#include "cache/cache_status.h"

#include "messages.h"
#include "tap.h"

static vi_text status_of(vi_cache_facts facts) {
  vi_response *response = response_with(200, "", "");
  check(vi_cache_status_add(&facts, &response->headers));
  return field(&response->headers, "Cache-Status");
}

IT("2.1: tells a hit and how long it is fresh yet, in whole seconds") {
  check_text(status_of((vi_cache_facts){.hit = true, .ttl = 59.9}), "viesti; hit; ttl=59");
}

IT("2.4: tells of a stale hit by a negative number") {
  check_text(status_of((vi_cache_facts){.hit = true, .ttl = -0.5}), "viesti; hit; ttl=-1");
}

IT("2.2, 2.3, 2.5: tells why a request was sent on, what came of it, and whether it was stored") {
  check_text(status_of((vi_cache_facts){
                 .forward = VI_FORWARD_URI_MISS, .forward_status = 200, .stored = true, .ttl = 60}),
             "viesti; fwd=uri-miss; fwd-status=200; ttl=60; stored");
  check_text(status_of((vi_cache_facts){.forward = VI_FORWARD_METHOD, .forward_status = 404}),
             "viesti; fwd=method; fwd-status=404");
  check_text(status_of((vi_cache_facts){.forward = VI_FORWARD_STALE}), "viesti; fwd=stale");
}

IT("2.2: tells no reason with a hit") {
  check_text(status_of((vi_cache_facts){.hit = true, .forward = VI_FORWARD_STALE, .ttl = 1}),
             "viesti; hit; ttl=1");
}

IT("2.6: tells that another's request was waited for") {
  check_text(status_of((vi_cache_facts){.forward = VI_FORWARD_URI_MISS, .collapsed = true}),
             "viesti; fwd=uri-miss; collapsed");
}

IT("names every reason by its word (2.2)") {
  const char *names[] = {"",          "bypass",  "method", "uri-miss",
                         "vary-miss", "request", "stale",  "partial"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    check_text(vi_text_of(vi_forward_name((vi_forward)i)), names[i]);
}

IT("2: adds to what caches before it have said") {
  vi_response *response = response_with(200, "Cache-Status: other; hit", "");
  check(vi_cache_status_add(&(vi_cache_facts){.hit = true}, &response->headers));
  check_text(joined(&response->headers, "Cache-Status"), "other; hit, viesti; hit; ttl=0");
}

IT("clamps numbers that no integer of a Structured Field holds") {
  check_text(status_of((vi_cache_facts){.hit = true, .ttl = 1e300}), "viesti; hit; ttl=999999999");
  check_text(status_of((vi_cache_facts){.hit = true, .ttl = -1e300}),
             "viesti; hit; ttl=-999999999");
}
