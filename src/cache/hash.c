#include "cache/hash.h"

#include "message/clock.h"

#include <sys/random.h>
#include <unistd.h>

typedef struct state {
  uint64_t a, b, c, d;
} state;

static inline uint64_t rotated(uint64_t word, int bits) {
  return word << bits | word >> (64 - bits);
}

static inline void mix(state *s, int rounds) {
  for (int i = 0; i < rounds; i++) {
    s->a += s->b;
    s->c += s->d;
    s->b = rotated(s->b, 13) ^ s->a;
    s->d = rotated(s->d, 16) ^ s->c;
    s->a = rotated(s->a, 32) + s->d;
    s->c += s->b;
    s->d = rotated(s->d, 21) ^ s->a;
    s->b = rotated(s->b, 17) ^ s->c;
    s->c = rotated(s->c, 32);
  }
}

static inline void take(state *s, uint64_t word, int rounds) {
  s->d ^= word;
  mix(s, rounds);
  s->a ^= word;
}

/* Up to eight bytes, the first one lowest. */
static inline uint64_t word_of(const char *bytes, size_t length) {
  uint64_t word = 0;
  for (size_t i = 0; i < length; i++)
    word |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
  return word;
}

static inline uint64_t whole_word_of(const char *bytes) {
  const unsigned char *b = (const unsigned char *)bytes;
  return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
         (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

/* The last so many bytes, fewer than eight, the first one lowest. */
static inline uint64_t rest_of(vi_text text, size_t count) {
  if (count == 0)
    return 0;
  if (text.length < 8)
    return word_of(text.data, count);
  return whole_word_of(text.data + text.length - 8) >> (64 - 8 * count);
}

/* Made for each number of rounds separately: the loops over them go. */
__attribute__((always_inline)) static inline uint64_t hash(const vi_hash_key *key, vi_text text,
                                                           int each, int last) {
  state s = {key->low ^ 0x736f6d6570736575, key->high ^ 0x646f72616e646f6d,
             key->low ^ 0x6c7967656e657261, key->high ^ 0x7465646279746573};
  size_t whole = text.length & ~(size_t)7;
  for (size_t i = 0; i < whole; i += 8)
    take(&s, whole_word_of(text.data + i), each);
  take(&s, rest_of(text, text.length - whole) | (uint64_t)text.length << 56, each);
  s.c ^= 0xff;
  mix(&s, last);
  return s.a ^ s.b ^ s.c ^ s.d;
}

uint64_t vi_hash(const vi_hash_key *key, vi_text text) {
  return hash(key, text, 1, 3);
}

uint64_t vi_hash_rounds(const vi_hash_key *key, vi_text text, int each, int last) {
  return hash(key, text, each, last);
}

vi_hash_key vi_hash_key_new(void) {
  vi_hash_key key;
  if (getentropy(&key, sizeof key) == 0)
    return key;
  key = (vi_hash_key){(uint64_t)vi_clock_monotonic(), (uint64_t)(uintptr_t)&key};
  uint64_t process = (uint64_t)getpid();
  return (vi_hash_key){vi_hash(&key, VI_TEXT("low")) ^ process, vi_hash(&key, VI_TEXT("high"))};
}
