/* cache/cache: what writing does to what is stored (RFC 9111 4.4). */
#include "caching.h"
#include "tap.h"

/* Sends it through a shared cache under that key; the action. */
static vi_action send_under(vi_store *store, vi_key_choices key, const vi_request *request,
                            const char *fields) {
  vi_verdict verdict = {0};
  vi_cache_lookup(store, &SHARED, request, &key, NOW, &verdict);
  vi_action action = verdict.action;
  if (!verdict.response)
    soon_released(vi_cache_update(store, &SHARED, request, &verdict,
                                  response_with(200, fields, "x"), false, NULL, NOW)
                      .response);
  vi_verdict_clear(&verdict);
  return action;
}

IT("4.4: forgets every variant of a URL that was written to") {
  vi_store *store = new_store();
  const char *fields = "Cache-Control: max-age=60\nVary: Accept";
  get_at(store, 0, "Accept: a", 200, fields, "for a");
  get_at(store, 0, "Accept: b", 200, fields, "for b");
  send_at(store, 1, "POST", "", 500, "", "");
  check_int(vi_store_count(store), 2);
  passage out = send_at(store, 1, "POST", "", 200, fields, "x");
  check_int(out.action, VI_ACTION_BYPASS);
  check_text(vi_response_body(out.response), "x");
  check_int(vi_store_count(store), 0);
}

IT("4.4: leaves other URLs alone when one is written to") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60", "one");
  send_by(&SHARED, store, 1, request_to("POST", URL "other", ""), response_with(200, "", ""));
  check_text(hit_at(store, 1, ""), "one");
}

/* True if what is stored of `url` is still there after a write to URL/a/b that answered `fields`.
 */
static bool survives(const char *url, const char *fields) {
  vi_store *store = new_store();
  vi_response *answer = response_with(200, "Cache-Control: max-age=60", "one");
  tap_at("%s, %s", url, fields);
  send_by(&SHARED, store, 0, request_to("GET", url, ""), answer);
  check_int(vi_store_count(store), 1);
  send_by(&SHARED, store, 1, request_to("PUT", URL "a/b", ""), response_with(201, fields, ""));
  return vi_store_count(store) == 1;
}

IT("4.4: forgets what the answer names, too") {
  const char *names[] = {"Location: /", "Content-Location: http://example.com/",
                         "location: ../x/..", "Location: HTTP://EXAMPLE.com:80/#f",
                         "Content-Location: x\nLocation: /"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    check(!survives(URL, names[i]));
  const char *others[] = {
      "", "Location: /x", "Content-Location:", "Location: http://[", "Location: //", "Link: </>"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    check(survives(URL, others[i]));
}

IT("4.4: believes nobody about another origin") {
  check(survives("http://other.example/", "Location: http://other.example/"));
  check(survives("https://example.com/", "Location: https://example.com/"));
  check(survives("http://example.com:8080/", "Content-Location: //example.com:8080/"));
}

IT("4.4: forgets what a partition has of a URL, and of what the answer names, not the others'") {
  vi_store *store = new_store();
  const vi_key_choices mine = {.partition = VI_TEXT("a")}, other = {.partition = VI_TEXT("b")};
  vi_request *one = request_with("GET", ""), *two = request_to("GET", URL "two", "");
  const char *fields = "Cache-Control: max-age=60";
  send_under(store, mine, one, fields);
  send_under(store, mine, two, fields);
  send_under(store, other, one, fields);
  send_under(store, mine, request_to("PUT", URL "two", ""), "Location: /");
  check_int(vi_store_count(store), 1);
  check_int(send_under(store, other, one, ""), VI_ACTION_HIT);
  check_int(send_under(store, mine, two, ""), VI_ACTION_FETCH);
}

IT("4.4: does not store what was asked for before an invalidation") {
  vi_store *store = new_store();
  vi_verdict verdict = {0};
  vi_request *request = request_with("GET", "");
  vi_cache_lookup(store, &SHARED, request, &(vi_key_choices){0}, NOW, &verdict);
  send_at(store, 1, "PUT", "", 204, "", "");
  vi_response *late = response_with(200, "Cache-Control: max-age=60", "old");
  vi_outcome out = vi_cache_update(store, &SHARED, request, &verdict, late, false, NULL, NOW + 2);
  vi_verdict_clear(&verdict);
  check(out.response == late && !out.stored);
  vi_response_release(out.response);
  check_int(vi_store_count(store), 0);
  get_at(store, 3, "", 200, "Cache-Control: max-age=60", "new");
  check_text(hit_at(store, 4, ""), "new");
}

IT("4.4: does not freshen what was invalidated while it was validated") {
  vi_store *store = new_store();
  vi_verdict verdict = {0};
  vi_request *request = request_with("GET", "");
  get_at(store, 0, "", 200, "ETag: \"1\"", "old");
  vi_cache_lookup(store, &SHARED, request, &(vi_key_choices){0}, NOW + 1, &verdict);
  send_at(store, 2, "PUT", "", 204, "", "");
  vi_response *late = response_with(304, "Cache-Control: max-age=60", "");
  vi_outcome out = vi_cache_update(store, &SHARED, request, &verdict, late, false, NULL, NOW + 3);
  vi_verdict_clear(&verdict);
  check(!out.stored);
  soon_released(out.response);
  check_int(vi_store_count(store), 0);
}

/* A store in front of another, to which somebody else writes just before an entry is put. */
typedef struct interrupted {
  vi_store base;
  vi_store *behind;
  int puts;
} interrupted;

static size_t get_behind(vi_store *store, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS],
                         bool uses) {
  vi_store *behind = ((interrupted *)store)->behind;
  return behind->methods->get(behind, key, entries, uses);
}

static bool put_interrupted(vi_store *store, vi_text key, vi_stored *entry) {
  interrupted *self = (interrupted *)store;
  self->puts++;
  vi_store_invalidate(store, key);
  return vi_store_put(self->behind, key, entry);
}

static void remove_behind(vi_store *store, vi_text key, const vi_stored *entry) {
  vi_store_remove(((interrupted *)store)->behind, key, entry);
}

IT("4.4: takes out again what it put while somebody else wrote to the URL") {
  static const vi_store_methods methods = {
      .get = get_behind, .put = put_interrupted, .remove = remove_behind};
  interrupted store = {.behind = new_store()};
  vi_store_init(&store.base, &methods);
  passage out = get_at(&store.base, 0, "", 200, "Cache-Control: max-age=60", "old");
  check_int(store.puts, 1);
  check(!out.stored);
  check_int(vi_store_count(store.behind), 0);
}

IT("4.4: does not even put what it knows to be older than what was written") {
  static const vi_store_methods methods = {
      .get = get_behind, .put = put_interrupted, .remove = remove_behind};
  interrupted store = {.behind = new_store()};
  vi_store_init(&store.base, &methods);
  vi_verdict verdict = {0};
  vi_request *request = request_with("GET", "");
  vi_cache_lookup(&store.base, &SHARED, request, &(vi_key_choices){0}, NOW, &verdict);
  vi_store_invalidate(&store.base, VI_TEXT(URL));
  vi_response *late = response_with(200, "Cache-Control: max-age=60", "old");
  soon_released(
      vi_cache_update(&store.base, &SHARED, request, &verdict, late, false, NULL, NOW).response);
  vi_verdict_clear(&verdict);
  check_int(store.puts, 0);
}

IT("RFC 9110 9.3.3: keeps a POST's answer for GET that names its URL and a lifetime") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60", "old");
  passage out =
      send_at(store, 1, "POST", "", 200, "Cache-Control: max-age=60\nContent-Location: /", "new");
  check(out.stored);
  check_double(out.ttl, 60);
  check_text(hit_at(store, 2, ""), "new");
  check_int(send_at(store, 3, "POST", "", 200, "", "").action, VI_ACTION_BYPASS);
}
