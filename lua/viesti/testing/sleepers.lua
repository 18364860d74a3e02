--- Who sleeps until when: the one whose moment comes first is first, of those with the same moment
--- who came first. A binary heap.
---@class viesti.Sleepers
local Sleepers = {}
Sleepers.__index = Sleepers

local function is_before(one, other)
  return one.moment < other.moment or one.moment == other.moment and one.number < other.number
end

--- Adds a table of the caller's with a `moment`.
function Sleepers:add(sleeper)
  self.added = self.added + 1
  sleeper.number = self.added
  local index = #self + 1
  while index > 1 and is_before(sleeper, self[index // 2]) do
    self[index] = self[index // 2]
    index = index // 2
  end
  self[index] = sleeper
end

-- Puts one in the place of the first, whose followers move up until it has its own.
local function sink(self, sleeper)
  local index, count = 1, #self
  while 2 * index <= count do
    local child = 2 * index
    if child < count and is_before(self[child + 1], self[child]) then
      child = child + 1
    end
    if is_before(sleeper, self[child]) then
      break
    end
    self[index] = self[child]
    index = child
  end
  self[index] = sleeper
end

--- Takes the first one out, if there is one.
function Sleepers:take()
  local first, last = self[1], table.remove(self)
  if first ~= last then
    sink(self, last)
  end
  return first
end

return function()
  return setmetatable({ added = 0 }, Sleepers)
end
