#include "cache/cache_control.h"

#include "cache/structured_field.h"

typedef struct directive {
  vi_text name, value;
  bool has_value, quoted;
} directive;

static bool at(vi_text rest, char c) {
  return rest.length > 0 && rest.data[0] == c;
}

static void advance(vi_text *rest, size_t count) {
  rest->data += count;
  rest->length -= count;
}

/* The text up to the first byte of `stops`, taken off `rest`. */
static vi_text take_until(vi_text *rest, char stop, char other_stop) {
  vi_text taken = {rest->data, 0};
  while (rest->length > 0 && !at(*rest, stop) && !at(*rest, other_stop)) {
    advance(rest, 1);
    taken.length++;
  }
  return taken;
}

/* The inside of a quoted string, escapes left in (no directive that matters has any); an unclosed
 * one runs to the end. */
static vi_text take_quoted(vi_text *rest) {
  advance(rest, 1);
  vi_text taken = {rest->data, 0};
  while (rest->length > 0 && !at(*rest, '"')) {
    size_t step = at(*rest, '\\') && rest->length > 1 ? 2 : 1;
    advance(rest, step);
    taken.length += step;
  }
  if (rest->length > 0)
    advance(rest, 1);
  return taken;
}

/* The next member of the list; false at the end of the value. */
static bool take_directive(vi_text *rest, directive *out) {
  while (rest->length > 0 && (at(*rest, ',') || at(*rest, ' ') || at(*rest, '\t')))
    advance(rest, 1);
  if (rest->length == 0)
    return false;
  *out = (directive){.name = vi_text_trim(take_until(rest, ',', '='))};
  if (at(*rest, '=')) {
    advance(rest, 1);
    while (at(*rest, ' ') || at(*rest, '\t'))
      advance(rest, 1);
    out->has_value = true;
    if (at(*rest, '"')) {
      out->value = take_quoted(rest);
      out->quoted = true;
      /* Rubbish behind the quotes spoils the value but is no directive. */
      if (vi_text_trim(take_until(rest, ',', ',')).length > 0)
        out->value.length = 0;
    } else {
      out->value = vi_text_trim(take_until(rest, ',', ','));
    }
  }
  return true;
}

/* The next name in the value of a qualified directive; false at its end. */
static bool take_name(vi_text *rest, vi_text *name) {
  while (at(*rest, ',') || at(*rest, ' ') || at(*rest, '\t'))
    advance(rest, 1);
  *name = vi_text_trim(take_until(rest, ',', ','));
  return name->length > 0;
}

static bool names_fields(const directive *d) {
  vi_text rest = d->value, name;
  bool any = false;
  while (take_name(&rest, &name)) {
    if (!vi_text_is_token(name))
      return false;
    any = true;
  }
  return d->quoted && any;
}

static void keep_smallest(int64_t *seconds, const directive *d) {
  int64_t value;
  if (!vi_text_to_integer(d->value, &value))
    value = 0;
  if (*seconds == VI_ABSENT || value < *seconds)
    *seconds = value;
}

static void keep_largest(int64_t *seconds, const directive *d) {
  int64_t value;
  if (!vi_text_to_integer(d->value, &value))
    value = INT64_MAX;
  if (value > *seconds)
    *seconds = value;
}

/* The directive of that name that is there or not; NULL: there is none. */
static bool *flag_of(vi_cache_control *cc, vi_text name) {
  const struct {
    vi_text name;
    bool *flag;
  } flags[] = {
      {VI_TEXT("no-store"), &cc->no_store},
      {VI_TEXT("no-cache"), &cc->no_cache},
      {VI_TEXT("private"), &cc->is_private},
      {VI_TEXT("public"), &cc->is_public},
      {VI_TEXT("must-revalidate"), &cc->must_revalidate},
      {VI_TEXT("proxy-revalidate"), &cc->proxy_revalidate},
      {VI_TEXT("must-understand"), &cc->must_understand},
      {VI_TEXT("immutable"), &cc->immutable},
      {VI_TEXT("only-if-cached"), &cc->only_if_cached},
  };
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    if (vi_text_equal_nocase(name, flags[i].name))
      return flags[i].flag;
  return NULL;
}

/* Likewise the one with seconds. */
static int64_t *seconds_of(vi_cache_control *cc, vi_text name) {
  const struct {
    vi_text name;
    int64_t *seconds;
  } numbers[] = {
      {VI_TEXT("max-age"), &cc->max_age},
      {VI_TEXT("s-maxage"), &cc->s_maxage},
      {VI_TEXT("min-fresh"), &cc->min_fresh},
      {VI_TEXT("max-stale"), &cc->max_stale},
      {VI_TEXT("stale-while-revalidate"), &cc->stale_while_revalidate},
      {VI_TEXT("stale-if-error"), &cc->stale_if_error},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (vi_text_equal_nocase(name, numbers[i].name))
      return numbers[i].seconds;
  return NULL;
}

static void apply(vi_cache_control *cc, const directive *d) {
  bool *flag = flag_of(cc, d->name);
  int64_t *seconds = seconds_of(cc, d->name);
  if (flag == &cc->no_cache && names_fields(d))
    cc->qualified = true;
  else if (flag)
    *flag = true;
  if (seconds == &cc->min_fresh)
    keep_largest(seconds, d);
  else if (seconds && (seconds != &cc->max_stale || d->has_value))
    keep_smallest(seconds, d);
  else if (seconds && *seconds == VI_ABSENT)
    *seconds = INT64_MAX;
}

static const vi_cache_control SILENT = {
    .max_age = VI_ABSENT,
    .s_maxage = VI_ABSENT,
    .min_fresh = VI_ABSENT,
    .max_stale = VI_ABSENT,
    .stale_while_revalidate = VI_ABSENT,
    .stale_if_error = VI_ABSENT,
};

static const vi_text CACHE_CONTROL = {"Cache-Control", sizeof "Cache-Control" - 1};

void vi_cache_control_read(const vi_headers *headers, vi_cache_control *out) {
  *out = SILENT;
  for (size_t i = vi_headers_find(headers, CACHE_CONTROL, 0); i < headers->count;
       i = vi_headers_find(headers, CACHE_CONTROL, i + 1)) {
    vi_text rest = vi_headers_value(headers, i);
    directive d;
    out->present = true;
    while (take_directive(&rest, &d))
      apply(out, &d);
  }
}

/* A directive by another notation, in which of several with one name the last one counts (RFC 9651
 * 4.2.2). Seconds that are no integer, and negative ones, are invalid. */
static void apply_member(void *context, const vi_sf_member *member) {
  vi_cache_control *cc = context;
  bool *flag = flag_of(cc, member->key);
  int64_t *seconds = seconds_of(cc, member->key);
  int64_t said = member->kind == VI_SF_INTEGER && member->integer >= 0 ? member->integer : 0;
  cc->present = true;
  if (flag)
    *flag = member->kind != VI_SF_FALSE;
  if (seconds)
    *seconds = said;
}

bool vi_cache_control_read_targeted(const vi_headers *headers, const vi_text *targets, size_t count,
                                    vi_cache_control *out) {
  vi_buffer value = {0};
  bool found = false;
  for (size_t i = 0; i < count && !found; i++) {
    vi_cache_control said = SILENT;
    vi_buffer_clear(&value);
    if (!vi_headers_join(headers, targets[i], &value)) {
      said.present = said.no_store = true;
      found = true;
    } else {
      found = vi_sf_dictionary(vi_buffer_text(&value), apply_member, &said) && said.present;
    }
    if (found)
      *out = said;
  }
  vi_buffer_free(&value);
  return found;
}

static void strip_named(vi_headers *headers, const directive *d) {
  vi_text rest = d->value, name;
  while (take_name(&rest, &name))
    if (!vi_text_equal_nocase(name, VI_TEXT("Vary")))
      vi_headers_remove(headers, name);
}

/* The first such field behind `place`, where all bytes stay while fields are taken out. */
static size_t find_behind(const vi_headers *headers, const char *place) {
  size_t i = vi_headers_find(headers, CACHE_CONTROL, 0);
  while (i < headers->count && vi_headers_value(headers, i).data <= place)
    i = vi_headers_find(headers, CACHE_CONTROL, i + 1);
  return i;
}

void vi_cache_control_strip_qualified(vi_headers *headers) {
  size_t i = vi_headers_find(headers, CACHE_CONTROL, 0);
  while (i < headers->count) {
    vi_text value = vi_headers_value(headers, i), rest = value;
    directive d;
    while (take_directive(&rest, &d))
      if (vi_text_equal_nocase(d.name, VI_TEXT("no-cache")) && names_fields(&d))
        strip_named(headers, &d);
    i = find_behind(headers, value.data);
  }
}
