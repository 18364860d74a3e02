/* The cookies that a session keeps, seen and changed from outside of its requests. They lie in what
 * its handles share; lines are in Netscape's format. */
#ifndef VI_TRANSPORT_COOKIES_H
#define VI_TRANSPORT_COOKIES_H

#include "transport/session.h"

/* The cookies of a session, one line each; freed with curl_slist_free_all. NULL if there are none,
 * the session keeps none, or it is closed. */
struct curl_slist *vi_cookies_list(vi_session *session);

/* Takes in a line that vi_cookies_parse returned; one that has expired removes the one that it
 * replaces. False: the session keeps no cookies, is closed, or out of memory. */
bool vi_cookies_add(vi_session *session, const char *line);

/* Removes all. False likewise. */
bool vi_cookies_clear(vi_session *session);

/* Sets *parsed to what libcurl makes of a line, be it in Netscape's format or one that begins with
 * "Set-Cookie:", freed likewise; NULL if that is no cookie, has expired (where libcurl looks at
 * once), or names no host. False: out of memory. */
bool vi_cookies_parse(const char *line, struct curl_slist **parsed);

#endif
