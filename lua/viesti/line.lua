--- A line of tasks that wait for their turns: who came first is first, and who leaves, however that
--- comes about, gives his place to those behind him.
local core = require "viesti.core"

---@class viesti.Line
---@field first viesti.Place?
---@field count integer
local Line = {}
Line.__index = Line

---@class viesti.Place
---@field behind viesti.Place? who comes next
---@field dismissed any why it is no use to stand there any longer
local Place = {}
Place.__index = Place

--- A place at the end. It is left by closing it.
---@return viesti.Place
function Line:join()
  local place = setmetatable({ line = self, ahead = self.last }, Place)
  if self.last then
    self.last.behind = place
  else
    self.first = place
  end
  self.last = place
  self.count = self.count + 1
  return place
end

local function wake(place)
  if place and place.task then
    place.task:wake()
  end
end

local function take_out(place)
  local line, ahead, behind = place.line, place.ahead, place.behind
  place.line = nil
  line.count = line.count - 1
  if behind then
    behind.ahead = ahead
  else
    line.last = ahead
  end
  if ahead then
    ahead.behind = behind
  else
    line.first = behind
    wake(behind)
  end
end

function Place:__close()
  if self.line then
    take_out(self)
  end
end

--- Sends somebody away who waits; `reason` becomes his `dismissed`.
---@param reason any
function Place:dismiss(reason)
  self.dismissed = reason
  take_out(self)
  wake(self)
end

local function park(place)
  place.task = core.current()
  while place.line and place.line.first ~= place do
    core.park()
  end
  place.task = nil
end

--- Waits until it is the first, or dismissed. Outside of tasks those in line run meanwhile.
function Place:await()
  if core.current() then
    park(self)
  elseif self.line.first ~= self then
    local task <close> = core.spawn(park, self)
    task:join()
  end
end

return function()
  return setmetatable({ count = 0 }, Line)
end
