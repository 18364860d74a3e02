--- Keys that are remembered for a while: for which nobody is to wait for others, say.
local core = require "viesti.core"

local Remembered = {}
Remembered.__index = Remembered

-- Seconds, and how many keys at most: then all are forgotten, which costs little.
local LASTING, MOST = 10, 1000

--- Remembers a key from now on.
---@param key string
function Remembered:add(key)
  if self.count >= MOST then
    self.till, self.count = {}, 0
  end
  self.count = self.count + (self.till[key] and 0 or 1)
  self.till[key] = core.now() + LASTING
end

--- Whether a key was added a short while ago.
---@param key string
---@return boolean
function Remembered:has(key)
  local till = self.till[key]
  if till and till <= core.now() then
    self.till[key], self.count = nil, self.count - 1
    till = nil
  end
  return till ~= nil
end

return function()
  return setmetatable({ till = {}, count = 0 }, Remembered)
end
