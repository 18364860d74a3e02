/* cache/vary: which requests a response is for (RFC 9111 4.1). */
#include "cache/vary.h"

#include "entries.h"
#include "tap.h"

static const vi_text NONE = {NULL, 0};

/* The selection of an answer with the fields `answered` to a request with the fields `asked`. */
static vi_text selection(const vi_policy *policy, const char *answered, const char *asked) {
  vi_buffer *out = scratch();
  check(vi_vary_select(policy, &response_with(200, answered, "")->headers,
                       request_with("GET", asked), out));
  return vi_buffer_text(out);
}

/* True if that answer is for a request with the fields `other`, too. */
static bool suits(const char *answered, const char *asked, const char *other) {
  tap_at("%s / %s / %s", answered, asked, other);
  vi_text selected = selection(&SHARED, answered, asked);
  return vi_vary_matches(&SHARED, selected, NONE, request_with("GET", other));
}

IT("matches every request when there is no Vary") {
  check_text(selection(&SHARED, DATE, "A: 1"), "");
  check(suits(DATE, "A: 1", "Accept: text/html"));
  check(suits("Vary:", "A: 1", "A: 2"));
  check(suits("Vary: ,, ,", "A: 1", "A: 2"));
}

IT("matches a request whose fields that Vary names are the same") {
  const char *vary = "Vary: x-a, COOKIE", *asked = "X-A: a\nCookie: c\nOther: x";
  check(suits(vary, asked, "x-a: a\nCookie: c\nOther: y"));
  check(!suits(vary, asked, "X-A: A\nCookie: c"));
  check(!suits(vary, asked, "X-A: a\nCookie: d"));
  check(!suits(vary, asked, "X-A: a"));
  check(!suits(vary, asked, ""));
}

IT("reads several Vary fields as one list") {
  const char *vary = "Vary: A\nVary: , B ,";
  check(suits(vary, "A: 1\nB: 2", "B: 2\nA: 1"));
  check(!suits(vary, "A: 1\nB: 2", "A: 1\nB: 3"));
  check(!suits(vary, "A: 1\nB: 2", "A: 3\nB: 2"));
}

IT("tells a field that is absent from one that is empty") {
  check(suits("Vary: A", "", "") && !suits("Vary: A", "", "A:"));
  check(suits("Vary: A", "A:", "A:") && !suits("Vary: A", "A:", ""));
  check(!suits("Vary: Accept", "", "Accept:") && !suits("Vary: Accept", "Accept:", ""));
}

IT("takes repeated request fields for the list they are (RFC 9110 5.3)") {
  check(suits("Vary: A", "A: 1\nA: 2", "A: 1, 2"));
  check(!suits("Vary: A", "A: 1\nA: 2", "A: 2\nA: 1"));
  check(!suits("Vary: A", "A: 1\nA: 2", "A: 1"));
}

IT("is another selection when the same value stood in another field") {
  check(!suits("Vary: A, B", "A: 1", "B: 1"));
  check(!suits("Vary: A, B", "A: =", "A:\nB:"));
}

IT("takes preferences for the same in any order and case and with any blanks") {
  const char *names[] = {"Accept", "accept-charset", "Accept-Encoding", "ACCEPT-LANGUAGE"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    vi_request *one = request_with("GET", ""), *other = request_with("GET", "");
    vi_text name = vi_text_of(names[i]);
    vi_headers vary = {0};
    vi_buffer *out = scratch();
    check(vi_headers_add(&vary, VI_TEXT("Vary"), name) == VI_HEADERS_OK);
    check(vi_headers_add(&one->headers, name, VI_TEXT("de-CH, en;q=0.5")) == VI_HEADERS_OK);
    check(vi_headers_add(&other->headers, name, VI_TEXT("EN ; q=0.5,,\tde-ch")) == VI_HEADERS_OK);
    check(vi_vary_select(&SHARED, &vary, one, out));
    check(vi_vary_matches(&SHARED, vi_buffer_text(out), NONE, other));
    vi_headers_free(&vary);
  }
}

IT("tells preferences apart that differ in a member, or in its weight") {
  const char *vary = "Vary: Accept-Language";
  check(suits(vary, "Accept-Language: de\nAccept-Language: en", "Accept-Language: en,de"));
  check(!suits(vary, "Accept-Language: de, en", "Accept-Language: de"));
  check(!suits(vary, "Accept-Language: de, de", "Accept-Language: de"));
  check(!suits(vary, "Accept-Language: de;q=0.5", "Accept-Language: de;q=0.6"));
  check(!suits(vary, "Accept-Language: d, e", "Accept-Language: de"));
}

IT("takes other fields for the same with any blanks around their commas") {
  check(suits("Vary: X", "X: a,b", "X:  a ,\t b "));
  check(suits("Vary: X", "X: a\nX: b", "X: a,b"));
  check(suits("Vary: X", "X: a \"b , c\" , d", "X: a \"b , c\",d"));
  check(suits("Vary: X", "X: \"\\\" , \" , d", "X: \"\\\" , \",d"));
}

IT("and apart in all else, in quotes, and where a blank may be another user") {
  check(!suits("Vary: X", "X: a, b", "X: b, a"));
  check(!suits("Vary: X", "X: a,b", "X: A,b"));
  check(!suits("Vary: X", "X: a b,c", "X: ab,c"));
  check(!suits("Vary: X", "X: a,,b", "X: a,b"));
  check(!suits("Vary: X", "X: \"a, b\"", "X: \"a,b\""));
  check(!suits("Vary: X", "X: \"\\\", b\"", "X: \"\\\",b\""));
  check(!suits("Vary: X", "X: \"a, b", "X: \"a,b"));
  check(!suits("Vary: Cookie", "Cookie: a, b", "Cookie: a,b"));
  check(!suits("Vary: authorization", "Authorization: a, b", "Authorization: a,b"));
}

IT("may go by the language of the answer, where the policy selects by it") {
  const vi_policy policy = {.shared = true, .select_language = true};
  const char *vary = "Vary: Accept-Language, X", *asked = "Accept-Language: en, de\nX: 1";
  vi_text selected = selection(&policy, vary, asked), german = VI_TEXT("de");
  vi_request *likes = request_with("GET", "Accept-Language: fr;q=0.5, DE\nX: 1");
  check(vi_vary_matches(&policy, selected, german, likes));
  check(!vi_vary_matches(&policy, selected, VI_TEXT("fr"), likes));
  check(!vi_vary_matches(&policy, selected, NONE, likes));
  check(!vi_vary_matches(&SHARED, selected, german, likes));
  check(!vi_vary_matches(&policy, selected, german, request_with("GET", "X: 1")));
  likes = request_with("GET", "Accept-Language: de\nX: de");
  check(!vi_vary_matches(&policy, selected, german, likes));
  check(!vi_vary_matches(&policy, selected, german, request_with("GET", "Accept-Language: de")));
}

/* A request with an Accept of a hundred members. */
static vi_request *request_with_many(const char *first, const char *last) {
  vi_request *request = request_with("GET", "");
  vi_buffer *list = scratch();
  check(vi_buffer_append_text(list, vi_text_of(first)));
  for (int i = 0; i < 98; i++)
    check(vi_buffer_append_text(list, VI_TEXT(",a")));
  check(vi_buffer_append_char(list, ',') && vi_buffer_append_text(list, vi_text_of(last)));
  check(vi_headers_add(&request->headers, VI_TEXT("Accept"), vi_buffer_text(list)) ==
        VI_HEADERS_OK);
  return request;
}

IT("compares a list of preferences that is too long to sort as it stands") {
  vi_buffer *out = scratch();
  check(vi_vary_select(&SHARED, &response_with(200, "Vary: Accept", "")->headers,
                       request_with_many("a", "b"), out));
  check(vi_vary_matches(&SHARED, vi_buffer_text(out), NONE, request_with_many("A", "B")));
  check(!vi_vary_matches(&SHARED, vi_buffer_text(out), NONE, request_with_many("b", "a")));
  check(!vi_vary_matches(&SHARED, vi_buffer_text(out), NONE, request_with_many("a", "c")));
}

static bool names(const char *vary, const char *wanted) {
  tap_at("%s", vary);
  return vi_vary_names(&response_with(200, vary, "")->headers, vi_text_of(wanted));
}

IT("finds a name anywhere in Vary, in any case") {
  check(names("Vary: Accept, COOKIE\nVary: A", "Cookie"));
  check(names("Vary: A\nVary: cookie", "Cookie"));
  check(!names("Vary: Cookies, X-Cookie", "Cookie"));
  check(!names("Cookie: Cookie", "Cookie"));
}

IT("finds a star anywhere in Vary") {
  check(names("Vary: *", "*"));
  check(names("Vary: A, *", "*"));
  check(names("Vary: *, A", "*"));
  check(names("Vary: A\nVary: B\nVary: ,* ", "*"));
  check(!names("Vary: A, B", "*"));
  check(!names("", "*"));
}

IT("takes what is no name in Vary for a star: what hides there may be one") {
  check(names("Vary: \"a, *", "*"));
  check(names("Vary: A B", "*"));
  check(names("Vary: A;*", "*"));
}

/* A sender that sends a Cookie of its own. */
static bool send_cookie(void *context, const vi_request *request, vi_text name, vi_buffer *out) {
  (void)request;
  if (!vi_text_equal_nocase(name, VI_TEXT("Cookie")))
    return false;
  return vi_buffer_append_text(out, vi_text_of(context));
}

IT("goes by what will be sent, not only by what the request says") {
  char one[] = "a=1", other[] = "a=2";
  const vi_policy with_one = {.sent_field = send_cookie, .context = one};
  const vi_policy with_other = {.sent_field = send_cookie, .context = other};
  vi_text selected = selection(&with_one, "Vary: Cookie, A", "A: 1");
  check(vi_vary_matches(&with_one, selected, NONE, request_with("GET", "A: 1")));
  check(!vi_vary_matches(&with_one, selected, NONE, request_with("GET", "")));
  check(!vi_vary_matches(&with_other, selected, NONE, request_with("GET", "A: 1")));
  check(!vi_vary_matches(&SHARED, selected, NONE, request_with("GET", "A: 1")));
}
