/* A hash under a secret key (SipHash, Aumasson and Bernstein 2012): whoever chooses the URLs cannot
 * choose them so that they fall into one chain. */
#ifndef VI_CACHE_HASH_H
#define VI_CACHE_HASH_H

#include "message/text.h"

typedef struct vi_hash_key {
  uint64_t low, high;
} vi_hash_key;

/* A key of the system's randomness; where it has none, of what is hard to guess. */
vi_hash_key vi_hash_key_new(void);

/* SipHash-1-3: for tables, whose hashes nobody sees. */
uint64_t vi_hash(const vi_hash_key *key, vi_text text);

/* SipHash of so many rounds for each eight bytes and at the end, as it is published. */
uint64_t vi_hash_rounds(const vi_hash_key *key, vi_text text, int each, int last);

#endif
