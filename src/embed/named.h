/* What the host gives a name, for chains' sources. */
#ifndef VI_EMBED_NAMED_H
#define VI_EMBED_NAMED_H

#include "embed/runtime.h"

/* A sender or a policy of the host's; owned by the runtime, until after its state is closed. */
typedef struct vi_named {
  struct vi_named *next;
  viesti *runtime;
  viesti_sender sender;
  viesti_policy policy;
  void *context; /* of the policy */
} vi_named;

/* Has the runtime keep a copy of `what`, and `name` stand for what `push(L)` pushes, which finds
 * the copy, a light userdata, at 1 and the name, a string, at 2. On failure nothing is kept. */
viesti_status vi_embed_add_named(viesti *runtime, const char *name, const vi_named *what,
                                 lua_CFunction push);

#endif
