#include "transport/curl_option.h"

#include "message/memory.h"
#include "message/text.h"

#include <string.h>

/* What the engine sets for itself or for each request, or what would break a promise: schemes,
 * redirects, framing, where bodies go, callbacks and threads. */
static const struct {
  const char *name, *ours; /* the session's own option for it, if it has one */
} OWNED[] = {
    {"ACCEPT_ENCODING", "decode"},
    {"BUFFERSIZE", NULL},
    {"CAINFO", "ca"},
    {"CAPATH", "ca"},
    {"CONNECTTIMEOUT", "connect_timeout"},
    {"CONNECTTIMEOUT_MS", "connect_timeout"},
    {"CONNECT_ONLY", NULL},
    {"COOKIE", NULL},
    {"COOKIEFILE", "cookies"},
    {"COOKIEJAR", "cookies"},
    {"COOKIELIST", "cookies"},
    {"CRLF", NULL},
    {"CURLU", NULL},
    {"CUSTOMREQUEST", NULL},
    {"FAILONERROR", NULL},
    {"FOLLOWLOCATION", NULL},
    {"FRESH_CONNECT", NULL},
    {"HEADER", NULL},
    {"HEADEROPT", NULL},
    {"HTTP09_ALLOWED", NULL},
    {"HTTPGET", NULL},
    {"HTTPHEADER", NULL},
    {"HTTPPOST", NULL},
    {"HTTP_CONTENT_DECODING", "decode"},
    {"HTTP_TRANSFER_DECODING", NULL},
    {"HTTP_VERSION", "http_version"},
    {"IGNORE_CONTENT_LENGTH", NULL},
    {"INFILESIZE", NULL},
    {"INFILESIZE_LARGE", NULL},
    {"LOW_SPEED_LIMIT", "low_speed_limit"},
    {"LOW_SPEED_TIME", "low_speed_time"},
    {"MAXCONNECTS", "max_idle_connections"},
    {"MAXFILESIZE", "max_body"},
    {"MAXFILESIZE_LARGE", "max_body"},
    {"MAXREDIRS", NULL},
    {"MIMEPOST", NULL},
    {"NOBODY", NULL},
    {"NOPROGRESS", NULL},
    {"NOSIGNAL", NULL},
    {"PIPEWAIT", "http_version"},
    {"PORT", NULL},
    {"POST", NULL},
    {"POSTFIELDS", NULL},
    {"POSTFIELDSIZE", NULL},
    {"POSTFIELDSIZE_LARGE", NULL},
    {"POSTREDIR", NULL},
    {"PROTOCOLS", NULL},
    {"PROTOCOLS_STR", NULL},
    {"PROXY", "proxy"},
    {"PROXY_CAINFO", "ca"},
    {"PROXY_CAPATH", "ca"},
    {"PROXY_SSLVERSION", "min_tls"},
    {"PROXY_SSL_VERIFYHOST", "verify"},
    {"PROXY_SSL_VERIFYPEER", "verify"},
    {"PUT", NULL},
    {"QUICK_EXIT", NULL},
    {"RANGE", NULL},
    {"REDIR_PROTOCOLS", NULL},
    {"REDIR_PROTOCOLS_STR", NULL},
    {"REQUEST_TARGET", NULL},
    {"RESUME_FROM", NULL},
    {"RESUME_FROM_LARGE", NULL},
    {"SSL_VERIFYHOST", "verify"},
    {"SSL_VERIFYPEER", "verify"},
    {"SUPPRESS_CONNECT_HEADERS", NULL},
    {"TIMEOUT", "timeout"},
    {"TIMEOUT_MS", "timeout"},
    {"TRANSFER_ENCODING", NULL},
    {"UPLOAD", NULL},
    {"URL", NULL},
    {"USERAGENT", "user_agent"},
    {"VERBOSE", NULL},
};

/* By the name that libcurl has for it now: some go by an old one too. NULL: it is not owned; "": it
 * is, and the session has no option for it. */
static const char *owner_of(const struct curl_easyoption *option) {
  vi_text name = vi_text_of(curl_easy_option_by_id(option->id)->name);
  for (size_t i = 0; i < sizeof OWNED / sizeof *OWNED; i++)
    if (vi_text_equal_nocase(name, vi_text_of(OWNED[i].name)))
      return OWNED[i].ours ? OWNED[i].ours : "";
  return NULL;
}

/* What libcurl would tell every origin that the session sends to, a redirect's as well. */
static bool is_credential(const struct curl_easyoption *option) {
  static const CURLoption credentials[] = {CURLOPT_USERPWD, CURLOPT_USERNAME, CURLOPT_PASSWORD,
                                           CURLOPT_XOAUTH2_BEARER};
  for (size_t i = 0; i < sizeof credentials / sizeof *credentials; i++)
    if (option->id == credentials[i])
      return true;
  return false;
}

static const char *value_kind(curl_easytype type) {
  switch (type) {
  case CURLOT_LONG:
  case CURLOT_VALUES:
  case CURLOT_OFF_T:
    return "an integer or a boolean";
  case CURLOT_STRING:
    return "a string";
  case CURLOT_SLIST:
    return "a list of strings";
  default:
    return NULL; /* a pointer or a function */
  }
}

/* The option of that name if it may be set and takes `kind`. */
static const struct curl_easyoption *find(const char *name, const char *kind, vi_error *error) {
  const struct curl_easyoption *option = curl_easy_option_by_name(name);
  const char *wanted = option ? value_kind(option->type) : NULL;
  const char *owner = option ? owner_of(option) : NULL;
  if (!option)
    vi_error_set(error, VI_ERROR_REFUSED, "libcurl has no option '%.60s'", name);
  else if (is_credential(option))
    vi_error_set(error, VI_ERROR_REFUSED,
                 "the option '%s' would go to every origin: use an AuthenticatingSender instead",
                 option->name);
  else if (owner && *owner)
    vi_error_set(error, VI_ERROR_REFUSED, "the option '%s' is viesti's own to set: give %s instead",
                 option->name, owner);
  else if (!wanted || owner)
    vi_error_set(error, VI_ERROR_REFUSED, "the option '%s' is viesti's own to set", option->name);
  else if (strcmp(wanted, kind) != 0)
    vi_error_set(error, VI_ERROR_REFUSED, "the option '%s' takes %s", option->name, wanted);
  else
    return option;
  return NULL;
}

static vi_curl_option *add(vi_curl_option **options, const char *name, const char *kind,
                           vi_error *error) {
  const struct curl_easyoption *option = find(name, kind, error);
  if (!option)
    return NULL;
  vi_curl_option *added = vi_calloc(sizeof *added);
  if (!added) {
    vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    return NULL;
  }
  added->option = option;
  added->next = *options;
  *options = added;
  return added;
}

bool vi_curl_option_add_number(vi_curl_option **options, const char *name, int64_t number,
                               vi_error *error) {
  vi_curl_option *added = add(options, name, value_kind(CURLOT_LONG), error);
  if (added)
    added->number = number;
  return added != NULL;
}

/* Many a string ends up in the request's head, where a line end would begin another field. */
static bool is_printable(const char *name, const char *text, vi_error *error) {
  for (const char *c = text; *c; c++)
    if ((unsigned char)*c < ' ' || *c == 0x7f)
      return vi_error_set(error, VI_ERROR_REFUSED,
                          "the value of '%.60s' must not have control characters", name);
  return true;
}

bool vi_curl_option_add_text(vi_curl_option **options, const char *name, const char *text,
                             vi_error *error) {
  vi_curl_option *added =
      is_printable(name, text, error) ? add(options, name, value_kind(CURLOT_STRING), error) : NULL;
  if (!added)
    return false;
  size_t size = strlen(text) + 1;
  added->text = vi_malloc(size);
  if (!added->text)
    return vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  memcpy(added->text, text, size);
  return true;
}

bool vi_curl_option_add_item(vi_curl_option **options, const char *name, const char *item,
                             vi_error *error) {
  const struct curl_easyoption *option = find(name, value_kind(CURLOT_SLIST), error);
  if (!option || !is_printable(name, item, error))
    return false;
  vi_curl_option *target = *options;
  while (target && target->option != option)
    target = target->next;
  if (!target)
    target = add(options, name, value_kind(CURLOT_SLIST), error);
  if (!target)
    return false;
  struct curl_slist *longer = curl_slist_append(target->list, item);
  if (!longer)
    return vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  target->list = longer;
  return true;
}

int64_t vi_curl_options_number(const vi_curl_option *options, CURLoption id) {
  while (options && options->option->id != id)
    options = options->next;
  return options ? options->number : 0;
}

static CURLcode set(const vi_curl_option *option, CURL *easy) {
  CURLoption id = option->option->id;
  switch (option->option->type) {
  case CURLOT_STRING:
    return curl_easy_setopt(easy, id, option->text);
  case CURLOT_SLIST:
    return curl_easy_setopt(easy, id, option->list);
  case CURLOT_OFF_T:
    return curl_easy_setopt(easy, id, (curl_off_t)option->number);
  default:
    return curl_easy_setopt(easy, id, (long)option->number);
  }
}

bool vi_curl_options_set(const vi_curl_option *options, CURL *easy, vi_error *error) {
  for (; options; options = options->next) {
    CURLcode code = set(options, easy);
    if (code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN)
      return vi_error_set(error, VI_ERROR_REFUSED, "this libcurl was built without the option '%s'",
                          options->option->name);
    if (code != CURLE_OK)
      return vi_error_set(error, VI_ERROR_REFUSED, "libcurl refuses the value of '%s' (%s)",
                          options->option->name, curl_easy_strerror(code));
  }
  return true;
}

void vi_curl_options_free(vi_curl_option *options) {
  while (options) {
    vi_curl_option *next = options->next;
    vi_free(options->text);
    curl_slist_free_all(options->list);
    vi_free(options);
    options = next;
  }
}
