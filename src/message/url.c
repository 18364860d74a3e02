#include "message/url.h"

#include <curl/curl.h>
#include <string.h>

static bool refuse_bytes(vi_text url, vi_error *error) {
  for (size_t i = 0; i < url.length; i++) {
    unsigned char c = (unsigned char)url.data[i];
    if (c <= ' ' || c == 0x7f)
      return vi_error_set(error, VI_ERROR_REFUSED,
                          "the URL has a space or control character (byte %zu is 0x%02x)", i + 1,
                          c);
  }
  return true;
}

static bool check_scheme(vi_text url, vi_error *error) {
  if (vi_text_starts_nocase(url, VI_TEXT("http://")) ||
      vi_text_starts_nocase(url, VI_TEXT("https://")))
    return true;
  const char *colon = url.length ? memchr(url.data, ':', url.length) : NULL;
  vi_text scheme = {url.data, colon ? (size_t)(colon - url.data) : 0};
  if (!vi_text_is_token(scheme) || scheme.length + 2 >= url.length || colon[1] != '/' ||
      colon[2] != '/')
    return vi_error_set(error, VI_ERROR_REFUSED, "the URL '%.*s' has no scheme (http or https)",
                        (int)(url.length < 60 ? url.length : 60), url.length ? url.data : "");
  return vi_error_set(error, VI_ERROR_REFUSED,
                      "the URL's scheme is '%.*s', only http and https are allowed",
                      (int)(scheme.length < 30 ? scheme.length : 30), scheme.data);
}

/* Where a URL has no host, libcurl would take the first segment of its path for one. */
static bool check_host(vi_text url, vi_error *error) {
  const char *host = (const char *)memchr(url.data, ':', url.length) + 3;
  if (host < url.data + url.length && *host == '/')
    return vi_error_set(error, VI_ERROR_REFUSED, "the URL has no host");
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

static void lower_host(vi_buffer *url) {
  size_t end = vi_url_origin(vi_buffer_text(url)).length;
  size_t start = end;
  while (start > 0 && url->data[start - 1] != '@' && url->data[start - 1] != '/')
    start--;
  for (size_t i = start; i < end; i++)
    url->data[i] = vi_char_lower(url->data[i]);
}

/* libcurl's normal form of `out`'s content, written back to `out`. */
static bool reparse(vi_buffer *out, vi_error *error) {
  CURLU *handle = curl_url();
  char *normal = NULL;
  if (!handle)
    return vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  CURLUcode code = curl_url_set(handle, CURLUPART_URL, out->data, CURLU_URLENCODE);
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
    return vi_error_set(error, VI_ERROR_REFUSED, "the URL is not valid: %s",
                        curl_url_strerror(code));
  return copied || vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
}

bool vi_url_normalize(vi_text url, vi_text query, vi_buffer *out, vi_error *error) {
  if (!refuse_bytes(url, error) || !refuse_bytes(query, error) || !check_scheme(url, error) ||
      !check_host(url, error))
    return false;
  if (!append_query(url, query, out))
    return vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  if (!reparse(out, error))
    return false;
  lower_host(out);
  return true;
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
