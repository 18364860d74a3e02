--- CircuitBreaker{ window, ratio, ... }: which origins fail so often that they are left alone for a
--- while. Several chains may share one.
local new_circuit = require "viesti.limits.circuit"
local request_key = require "viesti.limits.request_key"
local Shared = require "viesti.base.shared"

---@class viesti.CircuitBreaker: viesti.Shared
---@field on_change? fun(key: string, before: string, now: string)
local CircuitBreaker = Shared:extend("CircuitBreaker", {
  { name = "window", type = "number", default = 30, min = 0.001,
    doc = "seconds of the past that count" },
  { name = "ratio", type = "number", default = 0.5, min = 0, max = 1,
    doc = "the part of the requests in them that have failed when it opens" },
  { name = "minimum", type = "integer", default = 20, min = 1,
    doc = "it does not open before there are so many requests in them" },
  { name = "open_for", type = "number", default = 5, min = 0,
    doc = "seconds that it stays open the first time, and up to a quarter more, by chance; each "
      .. "time that it opens again soon, twice as long" },
  { name = "max_open_for", type = "number", default = 60, min = 0,
    doc = "seconds that this grows to, without what chance adds; `open_for` where that is more" },
  { name = "probes", type = "integer", default = 1, min = 1,
    doc = "how many requests at once find out whether it can be closed" },
  { name = "successes", type = "integer", default = 2, min = 1,
    doc = "how many probes have to go well before it is; one that fails opens it again" },
  { name = "lease", type = "number", default = 60, min = 0.001,
    doc = "seconds after which another may go in the place of a probe that has not returned" },
  { name = "on_change", type = "function",
    doc = "called with the key, an origin by default, and its state before and now: \"closed\", "
      .. "\"open\", \"half_open\"" },
})

local MOST_ORIGINS = 1024

function CircuitBreaker:init()
  self.circuits, self.count = {}, 0
end

local function forget_quiet(self, now)
  for name, circuit in pairs(self.circuits) do
    if circuit:is_quiet(now) then
      circuit.generation = circuit.generation + 1 -- what is still to come of it counts no more
      self.circuits[name] = nil
      self.count = self.count - 1
    end
  end
end

-- For the layer: a Circuit for an origin that there is none for in `circuits`. nil where so many
-- others are open that there is no room for it.
function CircuitBreaker:new_circuit(origin, now)
  if self.count >= MOST_ORIGINS then
    forget_quiet(self, now)
    if self.count >= MOST_ORIGINS then
      return nil
    end
  end
  local circuit = new_circuit(origin, self, now)
  self.circuits[origin], self.count = circuit, self.count + 1
  return circuit
end

--- The state of a key, an origin by default: open also when its time is over, until the next
--- request finds that out; closed where nothing is known of it.
---@param key string
---@return "closed"|"open"|"half_open"
function CircuitBreaker:state(key)
  request_key.check("breaker:state", key)
  local circuit = self.circuits[key]
  return circuit and circuit.state or "closed"
end

return CircuitBreaker
