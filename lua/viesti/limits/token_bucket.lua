--- A token bucket, in the form of the generic cell rate algorithm (ITU-T I.371): all that has to be
--- kept is when it would be full again. It knows no clock: whoever asks says what time it is.
local rate_windows = require "viesti.limits.rate_windows"

---@class viesti.TokenBucket
---@field interval number seconds from one token to the next, as it is now
---@field changes number|false when that has to be looked at again
local TokenBucket = {}
TokenBucket.__index = TokenBucket

local SOON = 1e-9 -- seconds: what a sum of moments may be wrong by

local function work_out_next(self)
  self.next_at = math.max(self.full_at - self.slack, self.held)
end

-- What is missing of tokens stays missing.
local function set_interval(self, interval, now)
  local start = math.max(now, self.held)
  local missing = math.max(0, self.full_at - start) / self.interval
  self.interval, self.slack = interval, (self.burst - 1) * interval
  self.full_at = start + missing * interval
  work_out_next(self)
end

local function follow_windows(self, now)
  local interval, held, changes = self.windows:demand(now)
  set_interval(self, math.max(self.usual, interval), now)
  if held then
    self:hold(held)
  end
  self.changes, self.windows = changes or false, changes and self.windows or false
end

--- The moment at which to try again where there is no token; nil if there is one.
---@param now number
---@return number? moment
function TokenBucket:empty_until(now)
  if self.changes and self.changes <= now then
    follow_windows(self, now)
  end
  if self.next_at > now + SOON then
    return math.min(self.next_at, self.changes or math.huge)
  end
end

--- Takes a token. Where there is none, returns the moment at which to try again.
---@param now number
---@return number? moment
function TokenBucket:take(now)
  local moment = self.next_at > now + SOON and self:empty_until(now)
  if moment then
    return moment
  end
  local full_at = self.full_at -- as charge does, which would be another call for every request
  full_at = (full_at > now and full_at or now) + self.interval
  self.full_at, self.next_at = full_at, full_at - self.slack
end

--- Takes a token, be there one or not.
---@param now number
function TokenBucket:charge(now)
  local full_at = math.max(self.full_at, now) + self.interval
  self.full_at, self.next_at = full_at, full_at - self.slack
end

--- When one more may take a token, with so many ahead of him.
---@param now number
---@param ahead integer
---@return number moment
function TokenBucket:estimate(now, ahead)
  local start = math.max(now, self.held)
  local moment = math.max(start, math.max(start, self.full_at) + ahead * self.interval - self.slack)
  if self.changes and moment > self.changes then
    moment = math.max(start, self.changes + (moment - self.changes) * self.usual / self.interval)
  end
  return moment
end

--- There are none before that moment, and it begins with one then.
---@param moment number
function TokenBucket:hold(moment)
  self.held = math.max(self.held, moment)
  self.full_at = math.max(self.full_at, moment + self.slack)
  work_out_next(self)
end

--- The server has said that it takes `left` more in so many seconds, by the policy of that name: it
--- gets them spread over that time. It need not have counted all that it was sent already.
---@param name string
---@param left integer
---@param seconds number
---@param now number
function TokenBucket:learn(name, left, seconds, now)
  self.windows = self.windows or rate_windows()
  self.windows:note(name, left - self.in_flight, now + seconds, now)
  follow_windows(self, now)
end

--- When it will be as good as new.
---@return number
function TokenBucket:idle_at()
  return math.max(self.full_at, self.held, self.changes or self.held)
end

--- A request that has a token is sent, to a server whose answer will be learned from. It is under
--- way until what is returned, the bucket itself, is closed.
---@param now number
---@return viesti.TokenBucket
function TokenBucket:begin_request(now)
  self.in_flight = self.in_flight + 1
  local is_last = self.windows and self.windows:spend()
  if is_last or self.changes and self.changes <= now then
    follow_windows(self, now)
  end
  return self
end

function TokenBucket:__close()
  self.in_flight = self.in_flight - 1
end

---@param interval number seconds from one token to the next
---@param burst integer how many it holds
---@return viesti.TokenBucket
return function(interval, burst)
  return setmetatable({ usual = interval, interval = interval, burst = burst,
    slack = (burst - 1) * interval, full_at = -math.huge, held = -math.huge, next_at = -math.huge,
    windows = false, changes = false, in_flight = 0 }, TokenBucket)
end
