--- standard{ ... }: the sensible chain, in one call: every layer in the place where it belongs.
local AsyncSender = require "viesti.senders.async"
local chain = require "viesti.chains.chain"
local core = require "viesti.core"
local options = require "viesti.base.options"
local SyncSender = require "viesti.senders.sync"

-- Outermost first: the option, by which its module is called, too; what the layer is given where
-- the option says nothing, false: it has to be asked for; and what it does.
local LAYERS = {
  { "client", {}, "the base of API clients, outermost" },
  { "defaults", false, "what all requests to one API have in common" },
  { "redirecting", {}, "follows redirects" },
  { "authenticating", false, "says who is asking" },
  { "caching", { max_size = 1000 }, "keeps what may be kept, in memory" },
  { "deadline", { max_time = 120 }, "ends a request with all its retries" },
  { "retrying", { retries = 3 }, "sends again what may be" },
  { "failover", false, "the same service at several places" },
  { "circuit_breaking", {}, "leaves alone what fails again and again" },
  { "hedging", false, "asks once more where an answer is slow to come" },
  { "rate_limiting", false, "no more than so many requests in a time" },
  { "concurrency_limiting", false, "no more than so many at once" },
  { "tracing", false, "tells what is sent" },
}

local declaration = {
  { name = "asynchronous", type = "boolean", default = false,
    doc = "an AsyncSender at the end of the chain, rather than a SyncSender" },
  { name = "session", type = "table|session", doc = "a Session for it, or the options of one" },
  { name = "sender", type = "sender",
    doc = "the end of the chain instead of those two: a MockSender, say" },
}
for _, layer in ipairs(LAYERS) do
  declaration[#declaration + 1] = { name = layer[1], type = "table|boolean",
    doc = layer[3] .. (layer[2] and "; false leaves it out" or "; only where this is given") }
end

local function refuse(sentence)
  error(core.place() .. "standard: " .. sentence, 0)
end

local function innermost_of(values, given)
  for _, name in ipairs { "asynchronous", "session" } do
    if values.sender and given[name] ~= nil then
      refuse(("sender and %s are both given; a sender has its own"):format(name))
    end
  end
  if values.sender then
    return values.sender
  end
  local Kind = values.asynchronous and AsyncSender or SyncSender
  return Kind(type(values.session) == "userdata" and { session = values.session }
    or values.session or {})
end

-- What a default makes way for.
local INSTEAD = { max_size = "store" }

-- The layer, nil where there is to be none. What it is given goes before what it has by default.
local function built(layer, given)
  if given == false or (given == nil and not layer[2]) then
    return nil
  end
  local values = {}
  for name, value in pairs(type(given) == "table" and given or {}) do
    values[name] = value
  end
  if values.sender then
    refuse(("%s must have no sender; that is an option of standard's own"):format(layer[1]))
  end
  for name, value in pairs(layer[2] or {}) do
    if values[name] == nil and values[INSTEAD[name]] == nil then
      values[name] = value
    end
  end
  return require("viesti.layers." .. layer[1])(values)
end

--- The chain: Client > Redirecting > Caching > Deadline > Retrying > CircuitBreaking > SyncSender,
--- with every further layer that is given options, in the recommended order. Each option is a table
--- of those of its layer; false leaves it out.
---@param ... any { asynchronous, session, sender, client, defaults, redirecting, ... }
---@return viesti.Sender
local function standard(_, ...)
  local values, given = options.read("standard", declaration, ...)
  if not values then
    error(core.place() .. given, 0)
  end
  local senders = {}
  for _, layer in ipairs(LAYERS) do
    senders[#senders + 1] = built(layer, values[layer[1]])
  end
  senders[#senders + 1] = innermost_of(values, given)
  return chain(senders)
end

return setmetatable({ name = "standard", options = declaration }, { __call = standard })
