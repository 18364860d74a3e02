--- Keys that a store was not able to invalidate, within a bound: beyond it every key is owed but
--- those that were settled since, and of these, too, only so many are remembered.
local Debts = {}
Debts.__index = Debts

local MOST = 10000

--- Whether the store may still have what was invalidated under that key.
---@param key string
---@return boolean
function Debts:owes(key)
  return (self.noted[key] ~= nil) ~= self.all
end

local function note(self, key, noted)
  if noted == (self.noted[key] ~= nil) then
    return
  elseif noted and self.count == MOST then
    self.noted, self.count = {}, 0
    if not self.all then
      self.all = true
      return
    end
  end
  self.noted[key] = noted or nil
  self.count = self.count + (noted and 1 or -1)
end

--- It could not be invalidated.
---@param key string
function Debts:add(key)
  note(self, key, not self.all)
end

--- It was invalidated.
---@param key string
function Debts:settle(key)
  note(self, key, self.all)
end

return function()
  return setmetatable({ noted = {}, count = 0, all = false }, Debts)
end
