--- How many calls there were in the last so many seconds, and how many of them failed: counted in
--- buckets, of which the oldest is emptied when its time is over.
local BUCKETS = 10

local SlidingWindow = {}
SlidingWindow.__index = SlidingWindow

--- Forgets everything.
function SlidingWindow:clear()
  self.calls, self.failures = 0, 0
  for bucket = 1, BUCKETS do
    self.calls_in[bucket], self.failures_in[bucket] = 0, 0
  end
end

local function empty(self, bucket)
  self.calls = self.calls - self.calls_in[bucket]
  self.failures = self.failures - self.failures_in[bucket]
  self.calls_in[bucket], self.failures_in[bucket] = 0, 0
end

local function move_on(self, now)
  local turns = math.floor((now - self.over) / self.width) + 1
  for _ = 1, math.min(turns, BUCKETS) do
    self.bucket = self.bucket % BUCKETS + 1
    empty(self, self.bucket)
  end
  self.over = self.over + turns * self.width
end

--- A call ended.
---@param now number
---@param failed boolean
function SlidingWindow:note(now, failed)
  if now >= self.over then
    move_on(self, now)
  end
  local bucket = self.bucket
  self.calls, self.calls_in[bucket] = self.calls + 1, self.calls_in[bucket] + 1
  if failed then
    self.failures, self.failures_in[bucket] = self.failures + 1, self.failures_in[bucket] + 1
  end
end

--- A call that has been counted turned out to have failed.
---@param now number
function SlidingWindow:note_late_failure(now)
  if now >= self.over then
    move_on(self, now)
  end
  local bucket = self.bucket
  self.failures, self.failures_in[bucket] = self.failures + 1, self.failures_in[bucket] + 1
end

--- Of so many seconds, from now on.
---@param seconds number
---@param now number
return function(seconds, now)
  local window = setmetatable({ width = seconds / BUCKETS, over = now + seconds / BUCKETS,
    bucket = 1, calls_in = {}, failures_in = {} }, SlidingWindow)
  window:clear()
  return window
end
