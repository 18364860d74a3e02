#include "transport/cookies.h"

/* A handle with cookies of its own, or with those of `share`. */
static CURL *open_jar(CURLSH *share) {
  CURL *easy = curl_easy_init();
  if (easy) {
    curl_easy_setopt(easy, CURLOPT_SHARE, share);
    curl_easy_setopt(easy, CURLOPT_COOKIEFILE, "");
  }
  return easy;
}

static CURL *open_session_jar(vi_session *session) {
  return session->closed || !session->options.cookies ? NULL : open_jar(session->share);
}

/* Besides lines libcurl takes commands. */
static bool tell(CURL *easy, const char *line) {
  bool told = easy && curl_easy_setopt(easy, CURLOPT_COOKIELIST, line) == CURLE_OK;
  curl_easy_cleanup(easy);
  return told;
}

struct curl_slist *vi_cookies_list(vi_session *session) {
  struct curl_slist *lines = NULL;
  CURL *easy = open_session_jar(session);
  if (easy)
    curl_easy_getinfo(easy, CURLINFO_COOKIELIST, &lines);
  curl_easy_cleanup(easy);
  return lines;
}

bool vi_cookies_add(vi_session *session, const char *line) {
  return tell(open_session_jar(session), line);
}

bool vi_cookies_clear(vi_session *session) {
  return tell(open_session_jar(session), "ALL");
}

bool vi_cookies_parse(const char *line, struct curl_slist **parsed) {
  *parsed = NULL;
  CURL *easy = open_jar(NULL);
  bool done = easy && curl_easy_setopt(easy, CURLOPT_COOKIELIST, line) == CURLE_OK &&
              curl_easy_getinfo(easy, CURLINFO_COOKIELIST, parsed) == CURLE_OK;
  curl_easy_cleanup(easy);
  return done;
}
