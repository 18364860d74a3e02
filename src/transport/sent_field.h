/* What a session adds to its requests, for those who decide by it before anything is sent. */
#ifndef VI_TRANSPORT_SENT_FIELD_H
#define VI_TRANSPORT_SENT_FIELD_H

#include "message/request.h"
#include "transport/session.h"

/* Appends to `out` what the session will say in the field `name` besides what `request` says there:
 * its User-Agent and Accept-Encoding, unless the request has its own or wants none, and of Cookie
 * the cookies for the URL's host, in a form that is the same for the same cookies. False: nothing,
 * or out of memory. */
bool vi_session_sent_field(vi_session *session, const vi_request *request, vi_text name,
                           vi_buffer *out);

#endif
