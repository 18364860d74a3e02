--- What a server is still to be told: which keys were invalidated while it could not be, or, beyond
--- a bound, that nothing it has is to be believed.

---@class viesti.redis.Debts
local Debts = {}
Debts.__index = Debts

-- How many keys are remembered, and how many the server is told at once.
local MOST, BATCH = 10000, 500

--- Whether the server may still have what was invalidated under that key.
---@param key string
---@return boolean
function Debts:owes(key)
  return self.all or self.keys[key] ~= nil
end

--- A key could not be invalidated.
---@param key string
function Debts:add(key)
  if self:owes(key) then
    return
  elseif self.count == MOST then
    self:add_all()
  else
    self.keys[key], self.count = true, self.count + 1
  end
end

--- Nothing that the server has is to be believed any more.
function Debts:add_all()
  self.all, self.keys, self.count = true, {}, 0
end

--- What is to be told for that key, a list of keys, or nil for all; it is owed no longer.
---@param key string
---@return string[]? keys
function Debts:take(key)
  if self.all then
    self.all = false
    return nil
  end
  self.keys[key], self.count = nil, self.count - 1
  return { key }
end

--- Likewise of all that is owed, a batch at a time: calls tell(keys), or tell(nil) for all.
---@param tell fun(keys: string[]?)
function Debts:take_all(tell)
  local all, keys = self.all, self.keys
  self.all, self.keys, self.count = false, {}, 0
  if all then
    return tell(nil)
  end
  local batch = {}
  for key in pairs(keys) do
    batch[#batch + 1] = key
    if #batch == BATCH then
      tell(batch)
      batch = {}
    end
  end
  if batch[1] then
    tell(batch)
  end
end

--- It could not be told.
---@param keys string[]?
function Debts:put_back(keys)
  if not keys then
    self:add_all()
  end
  for _, key in ipairs(keys or {}) do
    self:add(key)
  end
end

return function()
  return setmetatable({ all = false, keys = {}, count = 0 }, Debts)
end
