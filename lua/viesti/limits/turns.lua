--- A line of tasks that wait for their turns: who came first is first, and who leaves, however that
--- comes about, gives his place to those behind him.
local core = require "viesti.core"
local new_waiting_line = require "viesti.limits.waiting_line"

---@class viesti.Turns
---@field waiting viesti.WaitingLine of places
local Turns = {}
Turns.__index = Turns

---@class viesti.Place
---@field behind viesti.Place|false who comes next
---@field dismissed any why it is no use to stand there any longer
local Place = {}
Place.__index = Place

--- How many wait.
---@return integer
function Turns:count()
  return self.waiting.length
end

--- A place at the end. It is left by closing it.
---@return viesti.Place
function Turns:join()
  local place = setmetatable({ turns = self, task = false, dismissed = false }, Place)
  self.waiting:join(place)
  return place
end

local function wake(place)
  if place and place.task then
    place.task:wake()
  end
end

local function is_first(place)
  return place.turns ~= nil and place.turns.waiting.first == place
end

local function take_out(place)
  local waiting, was_first = place.turns.waiting, is_first(place)
  waiting:leave(place)
  place.turns = nil
  if was_first then
    wake(waiting.first)
  end
end

function Place:__close()
  if self.turns then
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
  while place.turns and not is_first(place) do
    core.park()
  end
  place.task = false
end

--- Waits until it is the first, or dismissed. Outside of tasks those in line run meanwhile.
function Place:await()
  if core.current() then
    park(self)
  elseif not is_first(self) then
    local task <close> = core.spawn(park, self)
    task:join()
  end
end

return function()
  return setmetatable({ waiting = new_waiting_line() }, Turns)
end
