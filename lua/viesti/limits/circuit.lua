--- Circuit: what a CircuitBreaker knows of one origin, and whether it lets requests through.
---
---   closed     all go; when too many of them fail, it opens
---   open       none goes, until its time is over
---   half_open  a few go, to find out whether it can be closed again
---
--- Each change makes a new generation. What comes of a request of an earlier one counts no more.
local sliding_window = require "viesti.limits.sliding_window"

---@class viesti.Circuit
---@field state "closed"|"open"|"half_open"
---@field generation integer
local Circuit = {}
Circuit.__index = Circuit

-- The state is settled before anybody is told of it, who may raise.
local function change(self, state)
  local before = self.state
  self.state, self.generation = state, self.generation + 1
  self.probes, self.successes = {}, 0
  if self.options.on_change then
    self.options.on_change(self.name, before, state)
  end
end

local function open(self, sender, now)
  local options = self.options
  local again = self.state == "half_open" or now < self.closed_at + options.window
  self.openings = again and self.openings + 1 or 1
  local most = math.max(options.max_open_for, options.open_for)
  local wait = math.min(most, options.open_for * 2 ^ (self.openings - 1))
  self.retry_at = now + wait * (1 + sender:random() / 4)
  change(self, "open")
end

local function close(self, now)
  self.window:clear()
  self.closed_at = now
  change(self, "closed")
end

local function open_if_too_many_fail(self, sender, now)
  local calls, failures = self.window:sum()
  if calls >= self.options.minimum and failures >= self.options.ratio * calls then
    open(self, sender, now)
  end
end

--- A request of that generation ended: by the origin's fault or not. Returns whether that counts.
---@param generation integer
---@param failed boolean
---@param now number
---@param sender viesti.Sender whose random numbers are used
---@return boolean
function Circuit:note(generation, failed, now, sender)
  if generation ~= self.generation then
    return false
  elseif self.state == "closed" then
    self.window:note_call(now)
    if failed then
      self.window:note_failure(now)
      open_if_too_many_fail(self, sender, now)
    end
  elseif failed then
    open(self, sender, now)
  else
    self.successes = self.successes + 1
    if self.successes >= self.options.successes then
      close(self, now)
    end
  end
  return true
end

--- One that was noted as a success failed on the way of its body.
function Circuit:note_late_failure(generation, now, sender)
  if generation ~= self.generation then
    return
  elseif self.state == "closed" then
    self.window:note_failure(now)
    open_if_too_many_fail(self, sender, now)
  else
    open(self, sender, now)
  end
end

-- One of the few: its place is free when it ends, or when it has taken too long.
local Probe = {}

local function leave(probe)
  local probes = probe.circuit.probes
  for index = 1, #probes do
    if probes[index] == probe then
      table.remove(probes, index)
      return
    end
  end
end

Probe.__close = leave

-- The oldest is the first.
local function drop_overdue(self, now)
  local probes = self.probes
  while probes[1] and probes[1].since + self.options.lease <= now do
    table.remove(probes, 1)
  end
end

--- Whether a request may go that finds it not closed. If so, what is to be closed when it is over,
--- or nil if there is nothing; if not, nil and the moment when it may.
---@param now number
---@return table? probe, number? retry_at
function Circuit:admit(now)
  if self.state == "open" and now >= self.retry_at then
    change(self, "half_open")
  end
  if self.state == "open" then
    return nil, self.retry_at
  elseif self.state == "closed" then
    return nil -- whoever was told of the change made it so
  end
  drop_overdue(self, now)
  if #self.probes >= self.options.probes then
    return nil, self.probes[1].since + self.options.lease
  end
  local probe = setmetatable({ circuit = self, since = now }, Probe)
  table.insert(self.probes, probe)
  return probe
end

--- True if nothing is lost by forgetting it: but for its counts, which start anew.
---@param now number
---@return boolean
function Circuit:is_quiet(now)
  drop_overdue(self, now)
  return self.state == "closed" or self.state == "open" and now >= self.retry_at
    or self.state == "half_open" and #self.probes == 0
end

--- Of an origin, with a CircuitBreaker's options.
return function(name, options, now)
  return setmetatable({ name = name, options = options, state = "closed", generation = 0,
    openings = 0, closed_at = -math.huge, retry_at = now, probes = {}, successes = 0,
    window = sliding_window(options.window, now) }, Circuit)
end
