/* A bound on memory that several have in common: who takes some says how much, and gives it back.
 *
 * Counted, since bodies that were taken from it outlive whoever set the bound; everything here may
 * be called from any thread. A NULL account has no bound. */
#ifndef VI_MESSAGE_ACCOUNT_H
#define VI_MESSAGE_ACCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct vi_account {
  atomic_uint references;
  size_t limit;
  atomic_size_t used; /* never more */
} vi_account;

/* An account of so many bytes, one reference. NULL: out of memory. */
vi_account *vi_account_new(size_t limit);

/* One more holder; returns `account`. And one less; the last one frees. NULL is ignored. */
vi_account *vi_account_retain(vi_account *account);
void vi_account_release(vi_account *account);

/* Takes so many bytes. False, and none is taken: there are not so many left. */
bool vi_account_take(vi_account *account, size_t bytes);

/* Gives back what was taken. */
void vi_account_give(vi_account *account, size_t bytes);

/* Bytes that are left at the moment. */
size_t vi_account_left(vi_account *account);

#endif
