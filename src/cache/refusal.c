#include "cache/refusal.h"

const char *vi_refusal_name(vi_refusal refusal) {
  static const char *const names[] = {
      [VI_REFUSAL_NONE] = "",
      [VI_REFUSAL_METHOD] = "method",
      [VI_REFUSAL_STATUS] = "status",
      [VI_REFUSAL_NO_STORE] = "no-store",
      [VI_REFUSAL_PRIVATE] = "private",
      [VI_REFUSAL_AUTHORIZATION] = "authorization",
      [VI_REFUSAL_VARY] = "vary",
      [VI_REFUSAL_SET_COOKIE] = "set-cookie",
      [VI_REFUSAL_LIFETIME] = "no-lifetime",
      [VI_REFUSAL_USER] = "store-if",
      [VI_REFUSAL_INCOMPLETE] = "incomplete",
      [VI_REFUSAL_INVALIDATED] = "invalidated",
      [VI_REFUSAL_STORE] = "store",
  };
  return names[refusal];
}
