--- Collapsed forwarding: of several tasks that ask for the same, one request goes out, and the
--- others wait for its answer.
---
--- The request is sent by a task of its own, which goes on as long as anybody waits for it, whoever
--- asked first.
local core = require "viesti.core"

---@class viesti.Collapsing
---@field flights table<string, table> by key, those under way
---@field apart table<string, number> by key, until when nobody waits: the answers are not for all
local Collapsing = {}
Collapsing.__index = Collapsing

-- Seconds for which it is remembered that answers could not be shared, and how many keys are.
local REMEMBERED, MOST_REMEMBERED = 10, 1000

local function wait_for(flight)
  flight.waiting = flight.waiting + 1
  local _ <close> = setmetatable({}, { __close = function()
    flight.waiting = flight.waiting - 1
    if flight.waiting == 0 then
      flight.task:cancel()
    end
  end })
  return flight.task:join()
end

local function start(self, key, work)
  local flight = { waiting = 0 }
  self.flights[key] = flight
  flight.task = core.spawn(function()
    local _ <close> = setmetatable({}, { __close = function() self.flights[key] = nil end })
    flight.outcome = table.pack(pcall(work))
  end)
  return flight
end

--- True if somebody is asking for that already.
---@param key string
---@return boolean
function Collapsing:is_under_way(key)
  return self.flights[key] ~= nil
end

--- Remembers that who asks for that gets an answer of his own.
---@param key string
function Collapsing:keep_apart(key)
  if self.count >= MOST_REMEMBERED then
    self.apart, self.count = {}, 0
  end
  self.count = self.count + (self.apart[key] and 0 or 1)
  self.apart[key] = core.now() + REMEMBERED
end

--- Whether tasks may wait for each other's answers to that. One that is sent on the way to such an
--- answer cannot.
---@param key string
---@return boolean
function Collapsing:may_share(key)
  local till = self.apart[key]
  if till and till <= core.now() then
    self.apart[key], self.count = nil, self.count - 1
    till = nil
  end
  local flight = self.flights[key]
  return till == nil and not (flight and flight.task == core.current())
end

--- Waits until nobody is asking for that any longer. Returns true if there was an answer.
---@param key string
---@return boolean
function Collapsing:wait(key)
  local flight = self.flights[key]
  wait_for(flight)
  local outcome = flight.outcome
  return outcome ~= nil and outcome[1] and outcome[2] ~= nil
end

--- Asks, where nobody does: returns what `work()` returns, and raises what it raises.
---@param key string
---@param work function
---@return any ...
function Collapsing:lead(key, work)
  local flight = start(self, key, work)
  local _, err = wait_for(flight)
  local outcome = flight.outcome
  if not outcome then
    return nil, err -- cancelled from outside
  elseif not outcome[1] then
    error(outcome[2], 0)
  end
  return table.unpack(outcome, 2, outcome.n)
end

return function()
  return setmetatable({ flights = {}, apart = {}, count = 0 }, Collapsing)
end
