/* libcurl options by their names, checked by libcurl's own table: what a session's own options do
 * not cover. Those that the engine sets itself, or that would undo its promises, are refused. */
#ifndef VI_TRANSPORT_CURL_OPTION_H
#define VI_TRANSPORT_CURL_OPTION_H

#include "message/error.h"

#include <curl/curl.h>
#include <stdint.h>

/* One option with its value; a list of them belongs to whoever holds its first. */
typedef struct vi_curl_option {
  struct vi_curl_option *next;
  const struct curl_easyoption *option;
  int64_t number;
  char *text;
  struct curl_slist *list;
} vi_curl_option;

/* Each adds an option at the front of *options, its value copied. `name` is libcurl's, without
 * "CURLOPT_". False, with a VI_ERROR_REFUSED that says why: there is no such option, it takes
 * another type of value, or it is the engine's. */
bool vi_curl_option_add_number(vi_curl_option **options, const char *name, int64_t number,
                               vi_error *error);
bool vi_curl_option_add_text(vi_curl_option **options, const char *name, const char *text,
                             vi_error *error);

/* Appends one item to an option that takes a list, the first call for it makes the list. */
bool vi_curl_option_add_item(vi_curl_option **options, const char *name, const char *item,
                             vi_error *error);

/* The value of the option of that id; 0 if it is not among them. */
int64_t vi_curl_options_number(const vi_curl_option *options, CURLoption id);

/* Sets all of them on a handle. The strings and lists must outlive it. False, with `error`: libcurl
 * refused a value. */
bool vi_curl_options_set(const vi_curl_option *options, CURL *easy, vi_error *error);

/* Frees the list with all its values; NULL is ignored. */
void vi_curl_options_free(vi_curl_option *options);

#endif
