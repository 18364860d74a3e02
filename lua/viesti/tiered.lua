--- tiered{ near, far }: a Store in memory in front of one that is further away: what was found
--- there is kept here, too. Both are told of everything that is stored and invalidated.
local core = require "viesti.core"
local format = require "viesti.format"
local options = require "viesti.options"

---@class viesti.Tiered
---@field near viesti.Store
---@field far table
local Tiered = {}
Tiered.__index = Tiered
Tiered.__name = "viesti.Tiered"

function Tiered:__tostring()
  return ("tiered { %s, %s }"):format(tostring(self.near), tostring(self.far))
end

--- Forgets every response, near and far.
function Tiered:clear()
  self.near:clear()
  self.far:clear()
end

--- Forgets the responses of a URL, all variants of it, near and far.
---@param url string
function Tiered:delete(url)
  self.near:delete(url)
  self.far:delete(url)
end

--- Forgets what was stored with a tag, or of URLs that begin so, near and far; see Store:purge.
---@param what { tag?: string, prefix?: string }
---@return integer how many there were far away
function Tiered:purge(what)
  self.near:purge(what)
  return self.far:purge(what)
end

--- What `stats` of both stores tell: { near, far }.
---@return { near: table, far: table }
function Tiered:stats()
  return { near = self.near:stats(), far = self.far:stats() }
end

--- Closes the far store.
function Tiered:close()
  if self.far.close then
    self.far:close()
  end
end

--- Two stores, one in front of the other.
---@param stores { [1]: viesti.Store, [2]: table }
---@return viesti.Tiered
return function(stores)
  local near, far = type(stores) == "table" and stores[1], type(stores) == "table" and stores[2]
  if not options.is_memory_store(near) or not options.is_store(far)
    or options.is_memory_store(far) or #stores ~= 2 then
    error(core.place() .. "tiered needs { a Store, a store that is further away }, got "
      .. format.value(stores), 0)
  end
  return setmetatable({ near = near, far = far }, Tiered)
end
