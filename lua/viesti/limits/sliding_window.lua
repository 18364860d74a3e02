--- How many calls there were in the last so many seconds, and how many of them failed: counted in
--- buckets, of which the oldest is emptied when its time is over.
local BUCKETS = 10

local SlidingWindow = {}
SlidingWindow.__index = SlidingWindow

local function empty(bucket)
  bucket.calls, bucket.failures = 0, 0
end

--- Forgets everything.
function SlidingWindow:clear()
  for index = 1, BUCKETS do
    empty(self.buckets[index])
  end
end

local function move_on(self, now)
  local turns = math.floor((now - self.over) / self.width) + 1
  for _ = 1, math.min(turns, BUCKETS) do
    self.index = self.index % BUCKETS + 1
    empty(self.buckets[self.index])
  end
  self.current = self.buckets[self.index]
  self.over = self.over + turns * self.width
end

--- A call ended.
---@param now number
function SlidingWindow:note_call(now)
  if now >= self.over then
    move_on(self, now)
  end
  local bucket = self.current
  bucket.calls = bucket.calls + 1
end

--- And it had failed; or one that ended before turned out to have.
---@param now number
function SlidingWindow:note_failure(now)
  if now >= self.over then
    move_on(self, now)
  end
  local bucket = self.current
  bucket.failures = bucket.failures + 1
end

--- What there was until the moment that was noted last.
---@return integer calls, integer failures
function SlidingWindow:sum()
  local calls, failures = 0, 0
  for _, bucket in ipairs(self.buckets) do
    calls, failures = calls + bucket.calls, failures + bucket.failures
  end
  return calls, failures
end

--- Of so many seconds, from now on.
---@param seconds number
---@param now number
return function(seconds, now)
  local buckets = {}
  for index = 1, BUCKETS do
    buckets[index] = { calls = 0, failures = 0 }
  end
  return setmetatable({ width = seconds / BUCKETS, over = now + seconds / BUCKETS, index = 1,
    buckets = buckets, current = buckets[1] }, SlidingWindow)
end
