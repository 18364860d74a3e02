/* cache/cache: parts, kept, served and completed (RFC 9111 3.3, 3.4). */
#include "caching.h"
#include "tap.h"

#define PART "Cache-Control: max-age=60\nETag: \"1\"\nContent-Range: bytes "

IT("3.3: keeps a part and serves ranges of it, and nothing else") {
  vi_store *store = new_store();
  passage first = get_at(store, 0, "Range: bytes=2-5", 206, PART "2-5/10", "2345");
  check(first.stored);
  check_int(first.response->status, 206);
  check_text(hit_at(store, 1, "Range: bytes=3-4"), "34");
  check_int(action_at(store, 1, ""), VI_ACTION_FETCH);
  check_int(action_at(store, 1, "Range: bytes=0-1"), VI_ACTION_FETCH);
}

IT("3.4: completes a part that starts at the start, and serves the whole from then on") {
  vi_store *store = new_store();
  get_at(store, 0, "Range: bytes=0-3", 206, PART "0-3/10", "0123");
  passage out = get_at(store, 1, "", 206, PART "4-9/10", "456789");
  check_int(out.action, VI_ACTION_COMPLETE);
  check_text(field(&out.sent->headers, "Range"), "bytes=4-");
  require(out.response);
  check_int(out.response->status, 200);
  check_text(vi_response_body(out.response), "0123456789");
  check(out.stored && out.from_cache);
  check_text(hit_at(store, 2, ""), "0123456789");
  check_int(vi_store_count(store), 1);
}

IT("3.4: gives no answer for a rest that does not fit, and forgets the part") {
  const char *rests[] = {PART "5-9/10", "ETag: \"2\"\nContent-Range: bytes 4-9/10"};
  for (size_t i = 0; i < 2; i++) {
    vi_store *store = new_store();
    get_at(store, 0, "Range: bytes=0-3", 206, PART "0-3/10", "0123");
    check(!get_at(store, 1, "", 206, rests[i], "56789").response);
    check_int(vi_store_count(store), 0);
  }
  vi_store *store = new_store();
  get_at(store, 0, "Range: bytes=0-3", 206, PART "0-3/10", "0123");
  check(!get_at(store, 1, "", 416, "Content-Range: bytes */4", "").response);
  check_int(vi_store_count(store), 0);
}

IT("3.4: takes a new whole in the place of the part that it asked to complete") {
  vi_store *store = new_store();
  get_at(store, 0, "Range: bytes=0-3", 206, PART "0-3/10", "0123");
  passage out = get_at(store, 1, "", 200, "Cache-Control: max-age=60\nETag: \"2\"", "new");
  check_text(vi_response_body(out.response), "new");
  check_text(hit_at(store, 2, ""), "new");
  check_int(vi_store_count(store), 1);
}

IT("3.4: keeps a part when the server fails to complete it") {
  vi_store *store = new_store();
  get_at(store, 0, "Range: bytes=0-3", 206, PART "0-3/10", "0123");
  check_int(get_at(store, 1, "", 503, "", "busy").response->status, 503);
  check_int(action_at(store, 2, ""), VI_ACTION_COMPLETE);
}

IT("keeps a whole entry when it gets a part or a 416") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "ETag: \"1\"", "0123456789");
  get_at(store, 1, "Range: bytes=0-1", 206, "ETag: \"1\"\nContent-Range: bytes 0-1/10", "01");
  get_at(store, 1, "Range: bytes=99-", 416, "Content-Range: bytes */10", "");
  passage out = get_at(store, 2, "", 304, "", "");
  require(out.response);
  check_text(vi_response_body(out.response), "0123456789");
}

IT("4.3.4: hands on the 304 to a caller's condition about a range that its part has not") {
  vi_store *store = new_store();
  get_at(store, 0, "Range: bytes=0-3", 206, PART "0-3/10", "0123");
  passage out = get_at(store, 1, "Range: bytes=6-9\nIf-None-Match: \"1\"", 304, "ETag: \"1\"", "");
  check_int(out.response->status, 304);
}

IT("4.3.5: learns nothing of a part from the answer to a HEAD") {
  vi_store *store = new_store();
  get_at(store, 0, "Range: bytes=0-3", 206, PART "0-3/10", "0123");
  send_at(store, 1, "HEAD", "", 200, "ETag: \"2\"", "");
  check_text(hit_at(store, 2, "Range: bytes=0-3"), "0123");
}
