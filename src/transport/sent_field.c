#include "transport/sent_field.h"

#include "message/url.h"
#include "transport/cookies.h"

#include <string.h>

static bool decides(const vi_request *request, vi_text name) {
  return vi_headers_has(&request->headers, name) || vi_headers_has(&request->omitted, name);
}

static bool common_field(const vi_session *session, vi_text name, vi_buffer *out) {
  for (size_t i = 0; i < session->fields.count; i++) {
    vi_text line = vi_text_of(session->fields.lines[i].data);
    if (line.length > name.length && line.data[name.length] == ':' &&
        vi_text_starts_nocase(line, name))
      return vi_buffer_append_text(
          out, vi_text_trim((vi_text){line.data + name.length + 1, line.length - name.length - 1}));
  }
  return false;
}

/* True if a line in Netscape's format is of that host or of a domain above it. */
static bool is_for_host(const char *line, vi_text host) {
  static const char HTTP_ONLY[] = "#HttpOnly_";
  if (strncmp(line, HTTP_ONLY, sizeof HTTP_ONLY - 1) == 0)
    line += sizeof HTTP_ONLY - 1;
  vi_text domain = {line, strcspn(line, "\t")};
  if (domain.length > 0 && domain.data[0] == '.')
    domain = (vi_text){domain.data + 1, domain.length - 1};
  if (domain.length > host.length)
    return false;
  vi_text end = {host.data + host.length - domain.length, domain.length};
  return vi_text_equal_nocase(end, domain) && (domain.length == host.length || end.data[-1] == '.');
}

static bool cookies(vi_session *session, vi_text url, vi_buffer *out) {
  struct curl_slist *lines = vi_cookies_list(session);
  vi_text host = vi_url_host(url);
  size_t before = out->length;
  bool ok = true;
  for (struct curl_slist *line = lines; ok && line; line = line->next)
    if (is_for_host(line->data, host))
      ok = vi_buffer_append_text(out, vi_text_of(line->data)) && vi_buffer_append_char(out, '\n');
  curl_slist_free_all(lines);
  return ok && out->length > before;
}

bool vi_session_sent_field(vi_session *session, const vi_request *request, vi_text name,
                           vi_buffer *out) {
  if (vi_text_equal_nocase(name, VI_TEXT("Cookie")))
    return session->options.cookies && cookies(session, vi_buffer_text(&request->url), out);
  return !decides(request, name) && common_field(session, name, out);
}
