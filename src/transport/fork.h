/* Knowing that the process has forked: a child inherits sockets, and TLS state behind them, that
 * its parent goes on using. */
#ifndef VI_TRANSPORT_FORK_H
#define VI_TRANSPORT_FORK_H

/* How many forks lie between the first call in the process's family and this process: what was made
 * under another number belongs to a parent. */
unsigned vi_fork_generation(void);

#endif
