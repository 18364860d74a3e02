--- Cooldown: origins that asked for no more requests for a while (429), so that nobody sends them
--- any before it is over; and then not everybody at once.
---
--- As in TCP's slow start, who waited goes in growing groups: one at first, in the first step two,
--- in the next four, ... each at a random moment of its step. Several chains may share one.
local Shared = require "viesti.base.shared"

---@class viesti.Cooldown: viesti.Shared
---@field count integer how many origins are being held back; 0: nobody has to wait for anything
local Cooldown = Shared:extend("Cooldown", {
  { name = "step", type = "number", default = 0.25, min = 0,
    doc = "seconds from one group of those who waited to the next, twice as large" },
})

local MOST_ORIGINS = 1024

function Cooldown:init()
  self.origins, self.count = {}, 0
end

local function forget_past(self, now)
  for origin, state in pairs(self.origins) do
    if state.over <= now then
      self.origins[origin] = nil
      self.count = self.count - 1
    end
  end
end

--- The origin wants nothing for so many seconds. Returns what to give to `reserve` as `mine`, and
--- whether that began with this; of many who are told the same at once one begins it, and the
--- others have to reserve their turns.
---@param origin string
---@param seconds number
---@param now number the moment
---@return table? mine, boolean? begun
function Cooldown:start(origin, seconds, now)
  forget_past(self, now)
  local state, moment = self.origins[origin], now + seconds
  if state and state.moment + self.step >= moment then
    state.moment = math.max(state.moment, moment)
    state.over = math.max(state.over, moment)
    return state, false
  elseif not state and self.count >= MOST_ORIGINS then
    return nil -- none of them is over: who has so many learns of each by its own 429s
  end
  self.count = self.count + (state and 0 or 1)
  state = { moment = moment, over = moment, waiting = 0 }
  self.origins[origin] = state
  return state, true
end

--- Seconds until the origin takes requests again; 0 if it does.
---@param origin string
---@param now number
---@return number
function Cooldown:remaining(origin, now)
  local state = self.origins[origin]
  return state and math.max(0, state.moment - now) or 0
end

--- The moment at which one more request may go, which is the caller's to keep; nil: at once. When
--- it has come he asks again, with `mine`, the second value: nil then unless there is a newer
--- cooldown.
---@param origin string
---@param now number
---@param random fun(): number
---@param mine? table
---@return number? moment, table? mine
function Cooldown:reserve(origin, now, random, mine)
  local state = self.origins[origin]
  if not state or state == mine then
    return nil
  elseif state.over <= now then
    forget_past(self, now)
    return nil
  end
  state.waiting = state.waiting + 1
  local group = math.floor(math.log(state.waiting, 2))
  local moment = math.max(now, state.moment) + math.max(0, group - random()) * self.step
  state.over = math.max(state.over, moment)
  return moment, state
end

return Cooldown
