/* An option of libcurl's by its name: what is taken is neither the engine's nor a secret that would
 * go everywhere, and its value has no line end in it; what is refused is said in words.
 *
 * The input: the name, a line end, the value. */
#include "fuzz.h"

#include "transport/curl_option.h"

static void check_taken(const vi_curl_option *options) {
  static const CURLoption ours[] = {CURLOPT_URL,        CURLOPT_WRITEDATA, CURLOPT_HTTPHEADER,
                                    CURLOPT_USERPWD,    CURLOPT_POST,      CURLOPT_FOLLOWLOCATION,
                                    CURLOPT_COOKIEFILE, CURLOPT_RANGE,     CURLOPT_WRITEFUNCTION};
  for (; options; options = options->next) {
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
      PROMISE(options->option->id != ours[i]);
    PROMISE(!options->text || !strpbrk(options->text, "\r\n"));
    PROMISE(!options->list || !strpbrk(options->list->data, "\r\n"));
  }
}

static void check(bool taken, const vi_error *error) {
  PROMISE(taken || (error->kind == VI_ERROR_REFUSED && error->message[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  char *name = malloc(length + 1);
  PROMISE(name);
  if (length > 0)
    memcpy(name, bytes, length);
  name[length] = '\0';
  char *end = strchr(name, '\n');
  const char *value = end ? end + 1 : "";
  if (end)
    *end = '\0';
  vi_curl_option *options = NULL;
  vi_error error = {0};
  check(vi_curl_option_add_text(&options, name, value, &error), &error);
  check(vi_curl_option_add_item(&options, name, value, &error), &error);
  check(vi_curl_option_add_number(&options, name, strtol(value, NULL, 10), &error), &error);
  check_taken(options);
  vi_curl_options_free(options);
  free(name);
  return 0;
}
