--- Error(kind, message, request): why there is no response, as `send` returns it behind nil. Made
--- by the core for what happens on the wire, and here by senders of one's own.
local core = require "viesti.core"
local options = require "viesti.base.options"
local usually_sent = require "viesti.base.usually_sent"

local declaration = {
  { name = "kind", type = "string", required = true,
    doc = 'one of the kinds: "timeout", "connect", "script", ...' },
  { name = "message", type = "string", required = true,
    doc = "one clause that says what happened" },
  { name = "request", type = "request", doc = "the request that it is about" },
  { name = "sent", type = "string", values = { "no", "maybe" },
    doc = "whether any of the request may have left; if not said, what is usual for the kind. From "
      .. "that, the kind and the request follows `retryable`" },
}

local function new(_, ...)
  local values, wrong = options.read("Error", declaration, ...)
  if not values then
    error(core.place() .. wrong, 0)
  end
  if values.sent and not values.request then
    error(core.place() .. "Error: sent is said of a request, and there is none", 0)
  end
  local sent = values.sent or usually_sent(values.kind)
  local err, reason = core.error(values.kind, values.message, values.request,
    values.request and sent)
  if not err then
    error(core.place() .. "Error: " .. reason, 0)
  end
  err.sent = sent
  return err
end

return setmetatable({ name = "Error", options = declaration },
  { __call = new, __tostring = function() return "Error" end })
