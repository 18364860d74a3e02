#include "message/url.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_URL = 1024 * 1024 }; /* libcurl's own limit is not much higher */

static bool refuse_bytes(vi_text url, vi_error *error) {
  if (url.length > LONGEST_URL)
    return vi_error_set(error, VI_ERROR_REFUSED, "the URL is longer than %d bytes", LONGEST_URL);
  for (size_t i = 0; i < url.length; i++) {
    unsigned char c = (unsigned char)url.data[i];
    if (c == ' ')
      return vi_error_set(error, VI_ERROR_REFUSED,
                          "the URL has a space (byte %zu), which is written %%20", i + 1);
    if (c < ' ' || c == 0x7f)
      return vi_error_set(error, VI_ERROR_REFUSED,
                          "the URL has a control character (byte %zu is 0x%02x)", i + 1, c);
  }
  return true;
}

/* Refuses a URL, of which no credentials may be shown, for what `wrong` says of it. */
static bool refuse_url(vi_text url, const char *wrong, vi_error *error) {
  size_t start = url.length;
  while (start > 0 && url.data[start - 1] != '@')
    start--;
  vi_shown shown = vi_text_shown((vi_text){url.data + start, url.length - start});
  return vi_error_set(error, VI_ERROR_REFUSED, "the URL '%s%s' %s", start > 0 ? "***@" : "",
                      shown.text, wrong);
}

static bool check_scheme(vi_text url, vi_error *error) {
  if (vi_text_starts_nocase(url, VI_TEXT("http://")) ||
      vi_text_starts_nocase(url, VI_TEXT("https://")))
    return true;
  const char *colon = url.length ? memchr(url.data, ':', url.length) : NULL;
  vi_text scheme = {url.data, colon ? (size_t)(colon - url.data) : 0};
  if (!vi_text_is_token(scheme) || scheme.length + 2 >= url.length || colon[1] != '/' ||
      colon[2] != '/')
    return refuse_url(url, "has no scheme (http or https)", error);
  return vi_error_set(error, VI_ERROR_REFUSED,
                      "the URL's scheme is '%.*s', only http and https are allowed",
                      (int)(scheme.length < 30 ? scheme.length : 30), scheme.data);
}

/* Where a URL has no host, libcurl would take the first segment of its path for one; and where
 * browsers see the host end at a backslash, libcurl sees part of a user's name: what the one checks
 * is not what the other connects to. */
static bool check_host(vi_text url, vi_error *error) {
  const char *host = (const char *)memchr(url.data, ':', url.length) + 3;
  if (host < url.data + url.length && *host == '/')
    return vi_error_set(error, VI_ERROR_REFUSED, "the URL has no host");
  vi_text origin = vi_url_origin(url);
  if (memchr(origin.data, '\\', origin.length))
    return vi_error_set(error, VI_ERROR_REFUSED, "the URL has a backslash before its path");
  return true;
}

static bool append_query(vi_text url, vi_text query, vi_buffer *out) {
  const char *fragment = memchr(url.data, '#', url.length);
  if (fragment)
    url.length = (size_t)(fragment - url.data);
  vi_buffer_clear(out);
  if (!vi_buffer_append_text(out, url))
    return false;
  if (query.length > 0) {
    bool has_query = memchr(url.data, '?', url.length) != NULL;
    char last = url.data[url.length - 1];
    if (!has_query && !vi_buffer_append_char(out, '?'))
      return false;
    if (has_query && last != '?' && last != '&' && !vi_buffer_append_char(out, '&'))
      return false;
    if (!vi_buffer_append_text(out, query))
      return false;
  }
  return vi_buffer_terminate(out);
}

vi_text vi_url_origin(vi_text url) {
  size_t slashes = 0, i = 0;
  while (i < url.length && !(url.data[i] == '/' && ++slashes == 3) && url.data[i] != '?')
    i++;
  return (vi_text){url.data, i};
}

vi_text vi_url_credentials(vi_text url) {
  vi_text origin = vi_url_origin(url);
  size_t start = 0, end = 0;
  if (origin.length == 0 || !memchr(origin.data, '@', origin.length))
    return (vi_text){url.data, 0};
  for (size_t i = 0; i < origin.length; i++) {
    if (start == 0 && i > 0 && origin.data[i] == '/' && origin.data[i - 1] == '/')
      start = i + 1;
    if (origin.data[i] == '@')
      end = i + 1;
  }
  return end > start ? (vi_text){url.data + start, end - start} : (vi_text){url.data, 0};
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

vi_text vi_url_host(vi_text url) {
  size_t end = vi_url_origin(url).length, start = end;
  while (start > 0 && url.data[start - 1] != '@' && url.data[start - 1] != '/')
    start--;
  size_t port = end;
  while (port > start && is_digit(url.data[port - 1]))
    port--;
  if (port > start && url.data[port - 1] == ':')
    end = port - 1;
  return (vi_text){url.data + start, end - start};
}

static void lower_host(vi_buffer *url) {
  vi_text host = vi_url_host(vi_buffer_text(url));
  char *start = url->data + (host.data - url->data);
  for (size_t i = 0; i < host.length; i++)
    start[i] = vi_char_lower(start[i]);
}

static bool refuse_invalid(vi_text url, CURLUcode code, vi_error *error) {
  char wrong[100];
  snprintf(wrong, sizeof wrong, "is not valid: %s", curl_url_strerror(code));
  return refuse_url(url, wrong, error);
}

/* Writes what the handle holds to `out` and frees the handle. `code` is the outcome of what was
 * done with it so far, with what `out` holds. */
static bool take_normal(CURLU *handle, CURLUcode code, vi_buffer *out, vi_error *error) {
  char *normal = NULL;
  if (code == CURLUE_OK)
    code = curl_url_get(handle, CURLUPART_URL, &normal, CURLU_NO_DEFAULT_PORT);
  bool copied = false;
  if (code == CURLUE_OK) {
    vi_buffer_clear(out);
    copied = vi_buffer_append_text(out, vi_text_of(normal)) && vi_buffer_terminate(out);
  }
  curl_free(normal);
  curl_url_cleanup(handle);
  if (code != CURLUE_OK && code != CURLUE_OUT_OF_MEMORY)
    return refuse_invalid(vi_buffer_text(out), code, error);
  if (!copied)
    return vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  lower_host(out);
  return true;
}

/* libcurl's normal form of `out`'s content, written back to `out`. */
static bool reparse(vi_buffer *out, vi_error *error) {
  CURLU *handle = curl_url();
  CURLUcode code = handle ? curl_url_set(handle, CURLUPART_URL, out->data, CURLU_URLENCODE)
                          : CURLUE_OUT_OF_MEMORY;
  return take_normal(handle, code, out, error);
}

/* Four numbers of 0 to 255 without leading zeros. */
static bool is_normal_address(vi_text host) {
  int numbers = 0;
  size_t i = 0;
  while (i < host.length) {
    size_t start = i;
    int value = 0;
    while (i < host.length && i - start < 4 && is_digit(host.data[i]))
      value = value * 10 + (host.data[i++] - '0');
    if (i == start || value > 255 || (i - start > 1 && host.data[start] == '0'))
      return false;
    numbers++;
    if (i < host.length && (host.data[i++] != '.' || i == host.length))
      return false;
  }
  return numbers == 4;
}

/* libcurl looks for an address in numbers before it decodes the host, once: a host that turns out
 * to be one is parsed again, and one that is still encoded is none. */
static bool settle_host(vi_buffer *url, vi_error *error) {
  vi_text host = vi_url_host(vi_buffer_text(url));
  if (host.length > 0 && host.data[0] != '[' && memchr(host.data, '%', host.length))
    return vi_error_set(error, VI_ERROR_REFUSED, "the URL's host is not valid");
  size_t label = host.length;
  while (label > 0 && host.data[label - 1] != '.')
    label--;
  bool may_be_address = label < host.length && is_digit(host.data[label]);
  return !may_be_address || is_normal_address(host) || reparse(url, error);
}

/* Sets a URL, absolute or relative to what the handle holds already. */
static CURLUcode set_reference(CURLU *handle, vi_text text, vi_buffer *scratch) {
  vi_buffer_clear(scratch);
  if (!handle || !vi_buffer_append_text(scratch, text) || !vi_buffer_terminate(scratch))
    return CURLUE_OUT_OF_MEMORY;
  return curl_url_set(handle, CURLUPART_URL, scratch->data, CURLU_URLENCODE | CURLU_ALLOW_SPACE);
}

bool vi_url_resolve(vi_text base, vi_text reference, vi_buffer *out, vi_error *error) {
  for (size_t i = 0; i < reference.length; i++)
    if ((unsigned char)reference.data[i] < ' ' || reference.data[i] == 0x7f)
      return vi_error_set(error, VI_ERROR_REFUSED, "the URL has a control character");
  if (!check_scheme(base, error))
    return false;
  if (reference.length == 0 || reference.data[0] == '#')
    reference = base; /* the same document (RFC 3986 4.4), which libcurl does not know */
  CURLU *handle = curl_url();
  CURLUcode code = set_reference(handle, base, out);
  if (code == CURLUE_OK)
    code = set_reference(handle, reference, out);
  if (code == CURLUE_OK)
    code = curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
  return take_normal(handle, code, out, error) && settle_host(out, error) &&
         refuse_bytes(vi_buffer_text(out), error) && check_scheme(vi_buffer_text(out), error) &&
         check_host(vi_buffer_text(out), error);
}

/* A host name in lower case whose last label cannot be part of an address in numbers, which
 * libcurl would rewrite. */
static bool is_normal_name(vi_text host) {
  bool label_starts = true, last_is_number = false;
  for (size_t i = 0; i < host.length; i++) {
    char c = host.data[i];
    if (label_starts) {
      if (c == '.')
        return false;
      last_is_number = is_digit(c);
    }
    if (!((c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.'))
      return false;
    label_starts = c == '.';
  }
  return host.length > 0 && !label_starts && !last_is_number;
}

/* A port without leading zeros that is not the scheme's own. */
static bool is_normal_port(vi_text port, const char *scheme_port) {
  int64_t number;
  return port.length > 0 && port.length <= 5 && port.data[0] != '0' &&
         vi_text_to_integer(port, &number) && number <= 65535 &&
         !vi_text_equal(port, vi_text_of(scheme_port));
}

/* Of the characters above the space those that do not stand for themselves in a path or query. */
static const bool ENCODED[UCHAR_MAX + 1] = {
    ['"'] = true, ['#'] = true, ['<'] = true, ['>'] = true, ['\\'] = true,
    ['^'] = true, ['`'] = true, ['{'] = true, ['|'] = true, ['}'] = true,
};

static bool stands(char c) {
  return c > ' ' && c < 0x7f && !ENCODED[(unsigned char)c];
}

/* Of what begins with a slash: characters that stand for themselves, and no dot segment. */
static bool is_normal_path(vi_text path) {
  const char *at = path.data, *end = path.data + path.length;
  for (; at < end && *at != '?'; at++)
    if (!stands(*at) || (*at == '/' && at + 1 < end && at[1] == '.'))
      return false;
  for (; at < end; at++)
    if (!stands(*at))
      return false;
  return end[-1] != '?';
}

/* True if libcurl would hand the URL back as it is. May say false of such a URL, never true of
 * another: then libcurl decides. */
static bool is_normal(vi_text url) {
  bool secure = url.length > 8 && memcmp(url.data, "https://", 8) == 0;
  if (!secure && !(url.length > 7 && memcmp(url.data, "http://", 7) == 0))
    return false;
  size_t scheme = secure ? 8 : 7;
  const char *slash = memchr(url.data + scheme, '/', url.length - scheme);
  if (!slash)
    return false;
  vi_text host = {url.data + scheme, (size_t)(slash - url.data) - scheme};
  vi_text path = {slash, url.length - scheme - host.length};
  const char *colon = memchr(host.data, ':', host.length);
  if (colon) {
    vi_text port = {colon + 1, host.length - (size_t)(colon - host.data) - 1};
    host.length = (size_t)(colon - host.data);
    if (!is_normal_port(port, secure ? "443" : "80"))
      return false;
  }
  return (is_normal_name(host) || is_normal_address(host)) && is_normal_path(path);
}

/* What most URLs are. */
static bool take_as_it_is(vi_text url, vi_buffer *out, vi_error *error) {
  vi_buffer_clear(out);
  return (vi_buffer_append_text(out, url) && vi_buffer_terminate(out)) ||
         vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
}

bool vi_url_normalize(vi_text url, vi_text query, vi_buffer *out, vi_error *error) {
  if (query.length == 0 && url.length <= LONGEST_URL && is_normal(url))
    return take_as_it_is(url, out, error);
  if (!refuse_bytes(url, error) || !refuse_bytes(query, error) || !check_scheme(url, error) ||
      !check_host(url, error))
    return false;
  if (!append_query(url, query, out))
    return vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  if (is_normal(vi_buffer_text(out)))
    return true;
  return reparse(out, error) && settle_host(out, error) && refuse_bytes(vi_buffer_text(out), error);
}

size_t vi_url_encode(vi_text text, char *out) {
  static const char hex[] = "0123456789ABCDEF";
  char *end = out;
  for (size_t i = 0; i < text.length; i++) {
    unsigned char c = (unsigned char)text.data[i];
    bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      *end++ = (char)c;
    } else {
      *end++ = '%';
      *end++ = hex[c >> 4];
      *end++ = hex[c & 15];
    }
  }
  return (size_t)(end - out);
}

size_t vi_url_pair_room(vi_text name, vi_text value) {
  return 3 * (name.length + value.length) + sizeof "&=" - 1;
}

size_t vi_url_encode_pair(vi_text name, vi_text value, char *out, size_t length) {
  if (length > 0)
    out[length++] = '&';
  length += vi_url_encode(name, out + length);
  out[length++] = '=';
  return length + vi_url_encode(value, out + length);
}
