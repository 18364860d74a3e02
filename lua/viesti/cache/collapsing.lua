--- Collapsed forwarding: of several tasks that ask for the same, one request goes out, and the
--- others wait for its answer.
---
--- The request is sent by a task of its own, which goes on as long as anybody waits for it, whoever
--- asked first.
local core = require "viesti.core"
local remembered = require "viesti.cache.remembered"

---@class viesti.Collapsing
---@field sender viesti.Sender
---@field flights table<string, table> by key, those under way
---@field apart table keys for which nobody waits: the answers are not for all
local Collapsing = {}
Collapsing.__index = Collapsing

-- Makes way for the next one.
local function take_off_list(self, key, flight)
  if self.flights[key] == flight then
    self.flights[key] = nil
  end
end

-- Nobody waits for what nobody waits for any longer. A task that is cancelled before its first turn
-- never gets to land.
local function leaving(self, key, flight, task)
  return setmetatable({}, { __close = function()
    flight.followers[task] = nil
    flight.waiting = flight.waiting - 1
    if flight.waiting == 0 then
      flight.task:cancel()
      take_off_list(self, key, flight)
    end
  end })
end

local function landing(self, key, flight)
  return setmetatable({}, { __close = function()
    take_off_list(self, key, flight)
    flight.ended = true
    for task in pairs(flight.followers) do
      task:wake()
    end
  end })
end

-- Those whom the answer will not serve need not wait for its body.
local function tell_head(flight, serves)
  flight.serves = serves
  for task, request in pairs(flight.followers) do
    if not serves(request) then
      flight.followers[task] = nil
      task:wake()
    end
  end
end

-- What ends it is there before it begins: memory may run out meanwhile.
local function start(self, key, flight, work)
  local landed = landing(self, key, flight)
  flight.task = self.sender:spawn(function()
    local _ <close> = landed
    flight.outcome = table.pack(pcall(work, function(serves)
      tell_head(flight, serves)
    end))
  end)
  return flight.task ~= nil
end

--- True if somebody is asking for that already.
---@param key string
---@return boolean
function Collapsing:is_under_way(key)
  local flight = self.flights[key]
  return flight ~= nil and flight.task:status() == "running"
end

--- Remembers that who asks for that gets an answer of his own.
---@param key string
function Collapsing:keep_apart(key)
  self.apart:add(key)
end

--- Whether tasks may wait for each other's answers to that. One that is sent on the way to such an
--- answer cannot.
---@param key string
---@return boolean
function Collapsing:may_share(key)
  local flight = self.flights[key]
  return not self.apart:has(key) and not (flight and flight.task == core.current())
end

--- Waits until nobody is asking for that any longer, or until it turns out that the answer will not
--- serve this request, too, or that who asks for it waits for the caller (a function of the user's
--- on the way of the answer may).
---@param key string
---@param request viesti.Request
---@return "answered"|"failed"|"apart" outcome
function Collapsing:follow(key, request)
  local flight, task = self.flights[key], core.current()
  if flight.serves and not flight.serves(request) then
    return "apart"
  end
  flight.waiting = flight.waiting + 1
  flight.followers[task] = request
  local _ <close> = leaving(self, key, flight, task)
  repeat
    local comes = core.park(flight.task)
  until comes == false or flight.ended or not flight.followers[task]
  local outcome = flight.outcome
  if not flight.ended then
    return "apart"
  end
  return outcome and outcome[1] and outcome[2] ~= nil and "answered" or "failed"
end

--- Asks, where nobody does: returns what `work` returns, and raises what it raises. `work` is
--- called with a function to tell, once the head of the answer is there, whom it may serve, which
--- is a function of a request, too.
---@param key string
---@param work fun(tell_head: fun(serves: fun(request: viesti.Request): boolean)): any ...
---@return any ...
function Collapsing:lead(key, work)
  local flight = { waiting = 1, followers = {} }
  local left = leaving(self, key, flight, core.current())
  if not start(self, key, flight, work) then
    return work(function() end) -- it blocks: nobody will come while it is under way
  end
  local _ <close> = left
  self.flights[key] = flight
  local _, err = flight.task:join()
  local outcome = flight.outcome
  if not outcome then
    return nil, err -- cancelled from outside
  elseif not outcome[1] then
    error(outcome[2], 0)
  end
  return table.unpack(outcome, 2, outcome.n)
end

--- Of the tasks that the sender starts.
return function(sender)
  return setmetatable({ sender = sender, flights = {}, apart = remembered() }, Collapsing)
end
