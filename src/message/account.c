#include "message/account.h"

#include "message/memory.h"

#include <stdint.h>

vi_account *vi_account_new(size_t limit) {
  vi_account *account = vi_malloc(sizeof *account);
  if (!account)
    return NULL;
  account->limit = limit;
  atomic_init(&account->references, 1);
  atomic_init(&account->used, 0);
  return account;
}

vi_account *vi_account_retain(vi_account *account) {
  if (account)
    atomic_fetch_add_explicit(&account->references, 1, memory_order_relaxed);
  return account;
}

void vi_account_release(vi_account *account) {
  if (account && atomic_fetch_sub_explicit(&account->references, 1, memory_order_acq_rel) == 1)
    vi_free(account);
}

bool vi_account_take(vi_account *account, size_t bytes) {
  if (!account || bytes == 0)
    return true;
  size_t used = atomic_load_explicit(&account->used, memory_order_relaxed);
  do {
    if (bytes > account->limit - used)
      return false;
  } while (!atomic_compare_exchange_weak_explicit(&account->used, &used, used + bytes,
                                                  memory_order_relaxed, memory_order_relaxed));
  return true;
}

void vi_account_give(vi_account *account, size_t bytes) {
  if (account)
    atomic_fetch_sub_explicit(&account->used, bytes, memory_order_relaxed);
}

size_t vi_account_left(vi_account *account) {
  return account ? account->limit - atomic_load_explicit(&account->used, memory_order_relaxed)
                 : SIZE_MAX;
}
