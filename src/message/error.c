#include "message/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const NAMES[VI_ERROR_KINDS] = {
    [VI_ERROR_NONE] = "none",
    [VI_ERROR_RESOLVE] = "resolve",
    [VI_ERROR_CONNECT] = "connect",
    [VI_ERROR_TLS] = "tls",
    [VI_ERROR_TIMEOUT] = "timeout",
    [VI_ERROR_RESET] = "reset",
    [VI_ERROR_EMPTY_REPLY] = "empty_reply",
    [VI_ERROR_TRUNCATED] = "truncated",
    [VI_ERROR_PROTOCOL] = "protocol",
    [VI_ERROR_TOO_LARGE] = "too_large",
    [VI_ERROR_REFUSED] = "refused",
    [VI_ERROR_REDIRECT] = "redirect",
    [VI_ERROR_CANCELLED] = "cancelled",
    [VI_ERROR_CLOSED] = "closed",
    [VI_ERROR_FORKED] = "forked",
    [VI_ERROR_CIRCUIT_OPEN] = "circuit_open",
    [VI_ERROR_RATE_LIMITED] = "rate_limited",
    [VI_ERROR_DEADLINE] = "deadline",
    [VI_ERROR_SCRIPT] = "script",
    [VI_ERROR_STATUS] = "status",
    [VI_ERROR_OUT_OF_MEMORY] = "out_of_memory",
};

const char *vi_error_kind_name(vi_error_kind kind) {
  return NAMES[kind];
}

const char *vi_timeout_name(vi_timeout timeout) {
  static const char *const names[] = {[VI_TIMEOUT_CONNECT] = "connect",
                                      [VI_TIMEOUT_TOTAL] = "total",
                                      [VI_TIMEOUT_IDLE] = "idle",
                                      [VI_TIMEOUT_LOW_SPEED] = "low_speed"};
  return names[timeout];
}

vi_error_kind vi_error_kind_of(const char *name) {
  for (int kind = VI_ERROR_NONE + 1; kind < VI_ERROR_KINDS; kind++)
    if (strcmp(NAMES[kind], name) == 0)
      return (vi_error_kind)kind;
  return VI_ERROR_NONE;
}

bool vi_error_set(vi_error *error, vi_error_kind kind, const char *format, ...) {
  if (!error)
    return false;
  *error = (vi_error){.kind = kind};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return false;
}
