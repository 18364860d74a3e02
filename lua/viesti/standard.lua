--- standard{ ... }: the sensible chain, in one call: every layer in the place where it belongs.
local AsyncSender = require "viesti.senders.async"
local chain = require "viesti.chain"
local core = require "viesti.core"
local options = require "viesti.options"
local SyncSender = require "viesti.senders.sync"

-- Outermost first: the option, the module of the class, and what it is given where the option says
-- nothing; false: it has to be asked for.
local LAYERS = {
  { "client", "client", {}, "the base of API clients, outermost" },
  { "defaults", "defaults", false, "what all requests to one API have in common" },
  { "redirecting", "redirecting", {}, "follows redirects" },
  { "authenticating", "authenticating", false, "says who is asking" },
  { "caching", "caching", { max_size = 1000 }, "keeps what may be kept, in memory" },
  { "deadline", "deadline", { seconds = 120 }, "ends a request with all its retries" },
  { "retrying", "retrying", { retries = 3 }, "sends again what may be" },
  { "failover", "failover", false, "the same service at several places" },
  { "circuit_breaking", "circuit_breaking", {}, "leaves alone what fails again and again" },
  { "hedging", "hedging", false, "asks once more where an answer is slow to come" },
  { "rate_limiting", "rate_limiting", false, "no more than so many requests in a time" },
  { "concurrency_limiting", "concurrency_limiting", false, "no more than so many at once" },
  { "tracing", "tracing", false, "tells what is sent" },
}

local declaration = {
  { name = "asynchronous", type = "boolean", default = false,
    doc = "an AsyncSender at the end of the chain, rather than a SyncSender" },
  { name = "session", type = "table|session", doc = "a Session for it, or the options of one" },
}
for _, layer in ipairs(LAYERS) do
  declaration[#declaration + 1] = { name = layer[1], type = "table|boolean",
    doc = layer[4] .. (layer[3] and "; false leaves it out" or "; only where this is given") }
end

local function concrete_of(values)
  local Kind = values.asynchronous and AsyncSender or SyncSender
  return Kind(type(values.session) == "userdata" and { session = values.session }
    or values.session or {})
end

-- The layer, nil where there is to be none. What it is given comes before what it has by default; a
-- store has bounds of its own.
local function built(layer, given)
  if given == false or (given == nil and not layer[3]) then
    return nil
  end
  local values, own = {}, type(given) == "table" and given or {}
  for _, source in ipairs { not own.store and layer[3] or {}, own } do
    for name, value in pairs(source) do
      values[name] = value
    end
  end
  return require("viesti.senders." .. layer[2])(values)
end

--- The chain: Client > Redirecting > Caching > Deadline > Retrying > CircuitBreaking > SyncSender,
--- with every further layer that is given options, in the recommended order. Each option is a table
--- of those of its layer; false leaves it out.
---@param ... any { asynchronous, session, client, defaults, redirecting, ... }
---@return viesti.Sender
local function standard(_, ...)
  local values, wrong = options.read("standard", declaration, ...)
  if not values then
    error(core.place() .. wrong, 0)
  end
  local senders = {}
  for _, layer in ipairs(LAYERS) do
    senders[#senders + 1] = built(layer, values[layer[1]])
  end
  senders[#senders + 1] = concrete_of(values)
  return chain(senders)
end

return setmetatable({ name = "standard", options = declaration }, { __call = standard })
