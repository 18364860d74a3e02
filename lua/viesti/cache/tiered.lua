--- tiered{ near, far }: a Store in memory in front of one that is further away: what was found
--- there is kept here, too. Both are told of everything that is stored and invalidated.
local core = require "viesti.core"
local format = require "viesti.base.format"
local option_types = require "viesti.base.option_types"
local purging = require "viesti.cache.purging"

---@class viesti.Tiered
---@field near viesti.Store
---@field far viesti.ForeignStore
local Tiered = {}
Tiered.__index = Tiered
Tiered.__name = "viesti.Tiered"

function Tiered:__tostring()
  return ("tiered { %s, %s }"):format(tostring(self.near), tostring(self.far))
end

-- A store of the user's need not have more than a CachingSender asks of it.
local function far_method(self, name)
  local method = self.far[name]
  if type(method) ~= "function" then
    error(("%stiered: the far store, %s, has no method %s"):format(core.place(),
      format.value(self.far), name), 0)
  end
  return method
end

-- Far first, and so for all that forgets: near would get back at once what is still there.

--- Forgets every response, near and far.
---@return true? done, string? reason nil and why not, where it could not be done far away
function Tiered:clear()
  local done, reason = far_method(self, "clear")(self.far)
  self.near:clear()
  return purging.outcome(done, reason)
end

--- Forgets the responses of a URL, all variants of it, near and far.
---@param url string
---@return true? done, string? reason nil and why not, where it could not be done far away
function Tiered:delete(url)
  local done, reason = far_method(self, "delete")(self.far, url)
  self.near:delete(url)
  return purging.outcome(done, reason)
end

--- Forgets what was stored with a tag, or of URLs that begin so, near and far; see Store:purge.
---@param what { tag?: string, prefix?: string }
---@return integer? how many there were far away, nil and why not where it could not be done
---@return string? reason
function Tiered:purge(what)
  local count, reason = far_method(self, "purge")(self.far, what)
  self.near:purge(what)
  return count, reason
end

--- What `stats` of both stores tell: { near, far }.
---@return { near: table, far: table }
function Tiered:stats()
  return { near = self.near:stats(), far = far_method(self, "stats")(self.far) }
end

--- Closes the far store.
function Tiered:close()
  if self.far.close then
    self.far:close()
  end
end

--- Two stores, one in front of the other.
---@param stores { [1]: viesti.Store, [2]: viesti.ForeignStore }
---@return viesti.Tiered
return function(stores)
  local near, far = type(stores) == "table" and stores[1], type(stores) == "table" and stores[2]
  if not option_types.is_memory_store(near) or not option_types.is_store(far)
    or option_types.is_memory_store(far) or #stores ~= 2 then
    error(core.place() .. "tiered needs { a Store, one elsewhere, as viesti.sqlite's }, got "
      .. format.value(stores), 0)
  end
  return setmetatable({ near = near, far = far }, Tiered)
end
