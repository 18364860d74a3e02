/* transport/curl_option: libcurl's options by name, but for those that are the engine's. */
#include "transport/curl_option.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void free_options(void *place) {
  vi_curl_options_free(*(vi_curl_option **)place);
  free(place);
}

/* An empty list that is freed when the test ends. */
static vi_curl_option **no_options(void) {
  vi_curl_option **options = calloc(1, sizeof *options);
  if (!options)
    abort();
  tap_defer(free_options, options);
  return options;
}

IT("keeps numbers, texts and lists, their values copied, for libcurl to take") {
  vi_curl_option **options = no_options();
  char agent[] = "agent", item[] = "a.test:80:127.0.0.1";
  vi_error error = {0};
  check(vi_curl_option_add_number(options, "TCP_NODELAY", 0, &error));
  check(vi_curl_option_add_number(options, "max_recv_speed_large", INT64_C(5000000000), &error));
  check(vi_curl_option_add_text(options, "Referer", agent, &error));
  check(vi_curl_option_add_item(options, "RESOLVE", item, &error));
  check(vi_curl_option_add_item(options, "RESOLVE", "b.test:80:127.0.0.1", &error));
  memset(agent, 'x', sizeof agent - 1);
  memset(item, 'x', sizeof item - 1);
  const vi_curl_option *resolve = *options, *text = resolve->next;
  check(strcmp(text->text, "agent") == 0);
  check(strcmp(resolve->list->data, "a.test:80:127.0.0.1") == 0);
  check(strcmp(resolve->list->next->data, "b.test:80:127.0.0.1") == 0);
  check_int(vi_curl_options_number(*options, CURLOPT_MAX_RECV_SPEED_LARGE), INT64_C(5000000000));
  check_int(vi_curl_options_number(*options, CURLOPT_MAX_SEND_SPEED_LARGE), 0);
  CURL *easy = curl_easy_init();
  check(vi_curl_options_set(*options, easy, &error));
  curl_easy_cleanup(easy);
}

IT("refuses what there is not, what takes another value, and what takes a pointer") {
  vi_curl_option **options = no_options();
  vi_error error = {0};
  check(!vi_curl_option_add_number(options, "NO_SUCH_OPTION", 1, &error));
  check_int(error.kind, VI_ERROR_REFUSED);
  check(strstr(error.message, "NO_SUCH_OPTION"));
  check(!vi_curl_option_add_text(options, "TCP_NODELAY", "1", &error));
  check(strstr(error.message, "an integer or a boolean"));
  check(!vi_curl_option_add_number(options, "RESOLVE", 1, &error));
  check(strstr(error.message, "a list of strings"));
  check(!vi_curl_option_add_text(options, "WRITEDATA", "x", &error));
  check(!vi_curl_option_add_number(options, "WRITEFUNCTION", 1, &error));
  check(!*options);
}

IT("refuses the engine's own, by their old names too") {
  const char *const numbers[] = {"FOLLOWLOCATION", "timeout_ms", "POSTREDIR", "POST301", "CRLF"};
  vi_curl_option **options = no_options();
  vi_error error = {0};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    tap_at("%s", numbers[i]);
    check(!vi_curl_option_add_number(options, numbers[i], 1, &error));
    check(strstr(error.message, "viesti's own"));
  }
  check(!vi_curl_option_add_text(options, "ACCEPT_ENCODING", "gzip", &error));
  check(!vi_curl_option_add_text(options, "ENCODING", "gzip", &error));
  check(strstr(error.message, "give decode instead"));
  check(!vi_curl_option_add_item(options, "HTTPHEADER", "A: 1", &error));
  check(!vi_curl_option_add_item(options, "RTSPHEADER", "A: 1", &error));
  check(!*options);
}

IT("refuses credentials, which would go to every origin") {
  const char *const names[] = {"USERPWD", "username", "Password", "XOAUTH2_BEARER"};
  vi_curl_option **options = no_options();
  vi_error error = {0};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    tap_at("%s", names[i]);
    check(!vi_curl_option_add_text(options, names[i], "a:b", &error));
    check_int(error.kind, VI_ERROR_REFUSED);
    check(strstr(error.message, "use an AuthenticatingSender"));
  }
  check(!*options);
}

IT("refuses texts that could end a line of the request") {
  vi_curl_option **options = no_options();
  vi_error error = {0};
  check(!vi_curl_option_add_text(options, "REFERER", "a\r\nB: c", &error));
  check(strstr(error.message, "control characters"));
  check(!vi_curl_option_add_item(options, "PROXYHEADER", "A: b\nC: d", &error));
  check(!vi_curl_option_add_text(options, "COOKIE", "a\x7f", &error));
  check(!*options);
}

IT("says which value libcurl itself refuses") {
  vi_curl_option **options = no_options();
  vi_error error = {0};
  CURL *easy = curl_easy_init();
  check(vi_curl_option_add_number(options, "LOCALPORT", -5, &error));
  check(!vi_curl_options_set(*options, easy, &error));
  check_int(error.kind, VI_ERROR_REFUSED);
  check(strstr(error.message, "LOCALPORT"));
  curl_easy_cleanup(easy);
}
