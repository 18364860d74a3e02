/* The lists behind vi_loop_watch: who waits for a descriptor, and who is done waiting. */
#ifndef VI_TRANSPORT_WATCHES_H
#define VI_TRANSPORT_WATCHES_H

#include "transport/loop.h"

/* Has one wait for a descriptor; takes one out of where it is, which is the ready list without a
 * socket. */
void vi_watches_add(vi_loop *loop, vi_socket *socket, vi_watch *watch);
void vi_watches_remove(vi_loop *loop, vi_socket *socket, vi_watch *watch);

/* VI_POLL_*: what those of a descriptor wait for. */
int vi_watches_wanted(const vi_socket *socket);

/* Those that wait for what has happened are ready; returns what the others wait for. */
int vi_watches_act(vi_loop *loop, vi_socket *socket, int happened);

/* All of a descriptor are ready: it is not there any more. */
void vi_watches_release(vi_loop *loop, vi_socket *socket);

#endif
