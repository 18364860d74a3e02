/* The open sockets of a session, and what has to be done to them behind libcurl's back. */
#ifndef VI_TRANSPORT_SOCKETS_H
#define VI_TRANSPORT_SOCKETS_H

#include "transport/session.h"

/* One was opened; one is about to be closed. The first is false when out of memory. */
bool vi_sockets_add(vi_session *session, curl_socket_t fd);
void vi_sockets_remove(vi_session *session, curl_socket_t fd);

/* In a child process: what libcurl would still send on a connection that it closes, a TLS alert for
 * one, goes nowhere, since the parent goes on using it. */
void vi_sockets_cut_off(vi_session *session);

/* Shuts a connection down that no transfer uses, so that none ever will, if bytes have come that no
 * request asked for: they would be taken for the answer to the next one. */
void vi_sockets_check(vi_session *session, curl_socket_t fd);

/* Likewise all of them, before a request starts while none is in flight. */
void vi_sockets_check_all(vi_session *session);

#endif
