-- The kinds of store that a cache's specs run over: names to functions that open an empty one.

local viesti = require("viesti")

local stores = {}

function stores.memory()
  return viesti.Store()
end

-- A store in plain Lua, with nothing but what a store must have.
local Plain = {}
Plain.__index = Plain

function Plain:get(key)
  local entries = {}
  for _, entry in pairs(self.entries[key] or {}) do
    entries[#entries + 1] = entry
  end
  return entries, self.generations[key] or 0
end

function Plain:put(key, variant, entry, about)
  if about.generation == nil or about.generation == (self.generations[key] or 0) then
    self.entries[key] = self.entries[key] or {}
    self.entries[key][variant] = entry
  end
end

function Plain:remove(key, variant)
  if self.entries[key] then
    self.entries[key][variant] = nil
  end
end

function Plain:invalidate(key)
  self.entries[key] = nil
  self.generations[key] = (self.generations[key] or 0) + 1
end

function stores.plain()
  return setmetatable({ entries = {}, generations = {} }, Plain)
end

function stores.tiered()
  return viesti.tiered({ viesti.Store(), stores.plain() })
end

return stores
