--- A line of those who wait, first come, first served, which anybody may leave at any time. `first`
--- is who has waited longest, false where nobody waits; `length` how many there are.
---@class viesti.WaitingLine
---@field first table|false
---@field length integer
local WaitingLine = {}
WaitingLine.__index = WaitingLine

--- Puts a table of the caller's, which is in no line, at the end.
function WaitingLine:join(waiter)
  waiter.before, waiter.behind = self.last, false
  if self.last then
    self.last.behind = waiter
  else
    self.first = waiter
  end
  self.last = waiter
  self.length = self.length + 1
end

--- Takes one who is in it out.
function WaitingLine:leave(waiter)
  local before, behind = waiter.before, waiter.behind
  if before then
    before.behind = behind
  else
    self.first = behind
  end
  if behind then
    behind.before = before
  else
    self.last = before
  end
  self.length = self.length - 1
end

return function()
  return setmetatable({ first = false, last = false, length = 0 }, WaitingLine)
end
