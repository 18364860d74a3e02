--- Whether any of a request may have left, where all that is known is the kind of its error.

local BEFORE_IT_IS_SENT = { circuit_open = true, connect = true, rate_limited = true,
  refused = true, resolve = true, tls = true }

---@param kind string
---@return "no"|"maybe"
return function(kind)
  return BEFORE_IT_IS_SENT[kind] and "no" or "maybe"
end
