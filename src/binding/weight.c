/* What userdata own outside Lua's heap. Its collector sees a response of ten megabytes as one of a
 * hundred bytes, and the generational one of the `lua` program does not look at old objects again
 * until its heap has doubled: left alone, either would let them pile up. */
#include "binding/support.h"

typedef struct vi_ledger {
  size_t held, limit;
  vi_account *account; /* that this memory is taken from; NULL: none */
  size_t kept;         /* of that, when garbage was last collected, or less */
} vi_ledger;

static const char LEDGER; /* its address is the key in the registry */

static vi_ledger *ledger_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &LEDGER);
  vi_ledger *found = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return found;
}

enum { WORTH_MENTIONING = 4096, WORTH_COLLECTING = 16 * 1024 * 1024, GROWTH = 2 };

/* Of an account: what part garbage may hold, and what part is not worth collecting for. */
enum { PARTS = 4, CRUMB = 64 };

/* How much may be held until garbage is collected the next time. */
static size_t next_limit(const vi_ledger *ledger) {
  size_t limit = ledger->held * GROWTH;
  if (limit < WORTH_COLLECTING)
    limit = WORTH_COLLECTING;
  size_t part = ledger->account ? ledger->account->limit / PARTS : limit;
  return part < limit - ledger->held ? ledger->held + part : limit;
}

size_t vi_add_weight(lua_State *L, size_t bytes) {
  if (bytes < WORTH_MENTIONING)
    return 0;
  vi_ledger *ledger = ledger_of(L);
  ledger->held += bytes;
  if (!lua_gc(L, LUA_GCISRUNNING))
    return bytes;
  if (ledger->held <= ledger->limit) {
    lua_gc(L, LUA_GCSTEP, (int)(bytes / 1024));
    return bytes;
  }
  lua_gc(L, LUA_GCCOLLECT); /* those that are garbage take their weight off */
  ledger->limit = next_limit(ledger);
  return bytes;
}

void vi_remove_weight(lua_State *L, size_t bytes) {
  if (bytes == 0)
    return;
  vi_ledger *ledger = ledger_of(L);
  ledger->held -= bytes < ledger->held ? bytes : ledger->held;
}

void vi_bound_state(lua_State *L, vi_account *account) {
  vi_ledger *ledger = ledger_of(L);
  ledger->account = account;
  ledger->limit = next_limit(ledger);
}

vi_account *vi_state_account(lua_State *L) {
  return ledger_of(L)->account;
}

void vi_make_room(lua_State *L) {
  vi_ledger *ledger = ledger_of(L);
  vi_account *account = ledger->account;
  if (!account)
    return;
  size_t left = vi_account_left(account), used = account->limit - left;
  if (used < ledger->kept)
    ledger->kept = used;
  if (left >= account->limit / PARTS || used - ledger->kept < account->limit / CRUMB)
    return;
  lua_gc(L, LUA_GCCOLLECT);
  ledger->kept = account->limit - vi_account_left(account);
}

void vi_open_weight(lua_State *L) {
  vi_ledger *ledger = lua_newuserdatauv(L, sizeof *ledger, 0);
  *ledger = (vi_ledger){.limit = WORTH_COLLECTING};
  lua_rawsetp(L, LUA_REGISTRYINDEX, &LEDGER);
}
