/* message/url: one form for each URL, checked before anything is sent. */
#include "message/url.h"

#include "messages.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* The normal form, or the error's message. */
static vi_text normal_with(const char *url, const char *query) {
  vi_buffer *out = scratch();
  vi_error error = {0};
  if (vi_url_normalize(vi_text_of(url), vi_text_of(query), out, &error))
    return vi_buffer_text(out);
  check_int(error.kind, VI_ERROR_REFUSED);
  check(!error.maybe_sent && !error.retryable);
  vi_buffer_clear(out);
  check(vi_buffer_append_text(out, vi_text_of(error.message)));
  return vi_buffer_text(out);
}

static vi_text normal(const char *url) {
  return normal_with(url, "");
}

/* True if it is refused in words that contain `why`. */
static bool refused(const char *url, const char *why) {
  vi_error error = {0};
  bool done = vi_url_normalize(vi_text_of(url), vi_text_of(""), scratch(), &error);
  tap_at("%s: %s", url, error.message);
  return !done && error.kind == VI_ERROR_REFUSED && strstr(error.message, why);
}

IT("lowers scheme and host and leaves the case of all else") {
  check_text(normal("HTTP://User:PW@EXAMPLE.com/Path?Query=X"),
             "http://User:PW@example.com/Path?Query=X");
  check_text(normal("HTTPS://[FE80::1]/"), "https://[fe80::1]/");
}

IT("drops a default port and keeps any other") {
  check_text(normal("http://h:80/"), "http://h/");
  check_text(normal("https://h:443/"), "https://h/");
  check_text(normal("http://h:443/"), "http://h:443/");
  check_text(normal("http://h:8080"), "http://h:8080/");
  check_text(normal("http://h:/"), "http://h/");
}

IT("gives an empty path its slash") {
  check_text(normal("http://h"), "http://h/");
  check_text(normal("http://h?q"), "http://h/?q");
}

IT("resolves dot segments of the path only") {
  check_text(normal("http://h/a/../b/./c/"), "http://h/b/c/");
  check_text(normal("http://h/../../a"), "http://h/a");
  check_text(normal("http://h/a?x=/../y"), "http://h/a?x=/../y");
  check_text(normal("http://h/a//b"), "http://h/a//b");
}

IT("drops the fragment, which no server sees") {
  check_text(normal("http://h/a#part"), "http://h/a");
  check_text(normal("http://h#part?no=query"), "http://h/");
}

IT("encodes bytes beyond ASCII and leaves escapes alone") {
  check_text(normal("http://h/\xc3\xa4?\xc3\xbc"), "http://h/%c3%a4?%c3%bc");
  check_text(normal("http://h/%7e%2F%20"), "http://h/%7e%2F%20");
}

IT("is the same when applied again") {
  const char *urls[] = {"HTTP://U@H:80/a/../\xc3\xa4?q=\xff#f", "https://h:8443?x",
                        "http://h/%zz?"};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    vi_buffer *copy = scratch();
    check(vi_buffer_append_text(copy, normal(urls[i])));
    check(vi_buffer_terminate(copy));
    check_text(normal(copy->data), copy->data);
  }
}

IT("adds a query to a URL with and without one, before the fragment") {
  check_text(normal_with("http://h/a", "x=1"), "http://h/a?x=1");
  check_text(normal_with("http://h/a?", "x=1"), "http://h/a?x=1");
  check_text(normal_with("http://h/a?y=2", "x=1"), "http://h/a?y=2&x=1");
  check_text(normal_with("http://h/a?y=2&", "x=1"), "http://h/a?y=2&x=1");
  check_text(normal_with("http://h/a#f?g", "x=1"), "http://h/a?x=1");
  check_text(normal_with("http://h", "x=1&x=2"), "http://h/?x=1&x=2");
}

IT("puts a NUL behind the last byte and forgets what the buffer held") {
  vi_buffer *out = scratch();
  check(vi_buffer_append_text(out, VI_TEXT("something that was here before, and long")));
  check(vi_url_normalize(VI_TEXT("http://h"), VI_TEXT(""), out, NULL));
  check_int(out->length, strlen("http://h/"));
  check(strcmp(out->data, "http://h/") == 0);
}

IT("refuses what has no scheme") {
  const char *urls[] = {"",   "h",       "example.com/x", "//example.com/", "localhost:8080/x",
                        ":/", "http:/x", "http:x",        "mailto:a@b"};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
    check(refused(urls[i], "no scheme"));
}

IT("refuses every scheme but http and https, by its name") {
  check(refused("ftp://h/", "'ftp'"));
  check(refused("file:///etc/passwd", "'file'"));
  check(refused("gopher://h/", "'gopher'"));
  check(refused("httpx://h/", "'httpx'"));
}

IT("refuses a URL without a host") {
  const char *urls[] = {"http://",       "https://",    "http:///x",
                        "http://user@/", "http://:80/", "http://?q"};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
    check(refused(urls[i], "ost"));
}

IT("refuses ports that are none") {
  check(refused("http://h:99999/", "Port"));
  check(refused("http://h:x/", "Port"));
  check(refused("http://h:-1/", "Port"));
}

IT("refuses spaces and control characters anywhere, so that no URL ends a line") {
  for (int c = 0; c <= 127; c++) {
    char url[] = "http://h/a?b";
    if (c > ' ' && c < 127)
      continue;
    for (size_t i = 0; i < sizeof url - 1; i++) {
      char kept = url[i];
      url[i] = (char)c;
      tap_at("byte %d at %zu", c, i);
      check(!vi_url_normalize((vi_text){url, sizeof url - 1}, VI_TEXT(""), scratch(), NULL));
      url[i] = kept;
    }
  }
}

IT("refuses spaces and control characters in the added query too") {
  check(!vi_url_normalize(VI_TEXT("http://h/"), VI_TEXT("a=b\r\nX: y"), scratch(), NULL));
  check(!vi_url_normalize(VI_TEXT("http://h/"), VI_TEXT("a b"), scratch(), NULL));
}

IT("says which byte is wrong, counted from 1") {
  check(refused("http://h/a b", "a space (byte 11), which is written %20"));
  check(refused("http://h/\n", "byte 10 is 0x0a"));
}

IT("cuts a long URL in its message instead of overrunning it") {
  vi_buffer *url = scratch();
  for (int i = 0; i < 100000; i++)
    vi_buffer_append_char(url, 'x');
  vi_error error = {0};
  check(!vi_url_normalize(vi_buffer_text(url), VI_TEXT(""), scratch(), &error));
  check(strlen(error.message) < sizeof error.message);
}

IT("takes a URL of a hundred thousand bytes") {
  vi_buffer *url = scratch();
  check(vi_buffer_append_text(url, VI_TEXT("http://h/")));
  for (int i = 0; i < 100000; i++)
    vi_buffer_append_char(url, 'x');
  vi_buffer *out = scratch();
  check(vi_url_normalize(vi_buffer_text(url), VI_TEXT(""), out, NULL));
  check(vi_text_equal(vi_buffer_text(out), vi_buffer_text(url)));
}

IT("percent-encodes all but the unreserved characters") {
  for (int c = 0; c <= 255; c++) {
    char byte = (char)c, out[3], expected[4];
    bool plain = c < 128 && c != 0 &&
                 strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", c);
    snprintf(expected, sizeof expected, plain ? "%c" : "%%%02X", c);
    size_t length = vi_url_encode((vi_text){&byte, 1}, out);
    tap_at("byte %d", c);
    check_text(((vi_text){out, length}), expected);
  }
}

IT("encodes texts of any length") {
  char out[15];
  check_int(vi_url_encode(VI_TEXT(""), out), 0);
  check_text(((vi_text){out, vi_url_encode(VI_TEXT("a b&c"), out)}), "a%20b%26c");
}

IT("encodes names and values, one pair behind the other") {
  char out[32];
  check_int(vi_url_pair_room(VI_TEXT("a b"), VI_TEXT("=")), 14);
  size_t length = vi_url_encode_pair(VI_TEXT("a b"), VI_TEXT("="), out, 0);
  check_text(((vi_text){out, length}), "a%20b=%3D");
  length = vi_url_encode_pair(VI_TEXT("&"), VI_TEXT(""), out, length);
  check_text(((vi_text){out, length}), "a%20b=%3D&%26=");
}

IT("names the origin of a URL") {
  check_text(vi_url_origin(VI_TEXT("https://h:8443/a/b?c")), "https://h:8443");
  check_text(vi_url_origin(VI_TEXT("http://h/")), "http://h");
  check_text(vi_url_origin(VI_TEXT("http://h")), "http://h");
  check_text(vi_url_origin(VI_TEXT("http://h?q=/")), "http://h");
}

IT("names its host, without credentials and port") {
  check_text(vi_url_host(VI_TEXT("https://h:8443/a@b:1")), "h");
  check_text(vi_url_host(VI_TEXT("http://u:p@h.example?q=//x")), "h.example");
  check_text(vi_url_host(VI_TEXT("http://[::1]:80/")), "[::1]");
  check_text(vi_url_host(VI_TEXT("http://[::1]")), "[::1]");
}

IT("resolves references as RFC 3986 5.4 has them, without the fragment") {
  static const char *const cases[][2] = {
      {"g", "http://a.example/b/c/g"},      {"./g", "http://a.example/b/c/g"},
      {"/g", "http://a.example/g"},         {"//g", "http://g/"},
      {"?y", "http://a.example/b/c/d;p?y"}, {"g?y#s", "http://a.example/b/c/g?y"},
      {"../../g", "http://a.example/g"},    {"#s", "http://a.example/b/c/d;p?q"},
      {"", "http://a.example/b/c/d;p?q"},   {"a b", "http://a.example/b/c/a%20b"},
      {"https://H:443/", "https://h/"},
  };
  vi_buffer *out = scratch();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tap_at("reference '%s'", cases[i][0]);
    check(vi_url_resolve(VI_TEXT("http://a.example/b/c/d;p?q#f"), vi_text_of(cases[i][0]), out,
                         NULL));
    check_text(vi_buffer_text(out), cases[i][1]);
  }
}

IT("refuses references to other schemes and with control characters") {
  static const char *const cases[] = {"ftp://h/", "file:///etc/passwd", "gopher://h/", "a\nb"};
  vi_buffer *out = scratch();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    vi_error error = {0};
    tap_at("reference '%s'", cases[i]);
    check(!vi_url_resolve(VI_TEXT("http://h/"), vi_text_of(cases[i]), out, &error));
    check_int(error.kind, VI_ERROR_REFUSED);
  }
}

IT("refuses a backslash in the authority, which browsers read as its end") {
  vi_error error = {0};
  check(!vi_url_normalize(VI_TEXT("http://good\\@evil/"), VI_TEXT(""), scratch(), &error));
  check_text(vi_text_of(error.message), "the URL has a backslash before its path");
}

IT("has one form for an address, however its numbers are written or encoded") {
  static const char *const hosts[] = {"127.1",   "2130706433",   "0x7F.0.0.1",
                                      "%3127.1", "%30x7f000001", "127.0.0.%31"};
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    char url[64];
    snprintf(url, sizeof url, "http://u:%%31@%s:8080/a", hosts[i]);
    tap_at("%s", url);
    check_text(normal(url), "http://u:%31@127.0.0.1:8080/a");
    vi_buffer *out = scratch();
    check(vi_url_resolve(VI_TEXT("http://h/"), vi_text_of(url), out, NULL));
    check_text(vi_buffer_text(out), "http://u:%31@127.0.0.1:8080/a");
  }
  check_text(normal("http://%41_b.5c:80/"), "http://a_b.5c/");
  check_text(normal("http://[fe80::1%25eth0]:81/"), "http://[fe80::1%25eth0]:81/");
}

IT("refuses a host that is encoded twice") {
  check(refused("http://%253127.1/", "the URL's host is not valid"));
}

IT("finds the user and password in a URL") {
  check_text(vi_url_credentials(VI_TEXT("http://me:pw@h/a@b")), "me:pw@");
  check_text(vi_url_credentials(VI_TEXT("http://me@h?q")), "me@");
  check_text(vi_url_credentials(VI_TEXT("http://h/a@b")), "");
}
