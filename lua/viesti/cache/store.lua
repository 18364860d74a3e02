--- Store{ max_size, max_bytes, max_entry_bytes }: where CachingSenders keep responses; one may
--- stand in several chains.
local core = require "viesti.core"
local format = require "viesti.base.format"
local options = require "viesti.base.options"
local purging = require "viesti.cache.purging"
local Request = require "viesti.message.request"

local declaration = {
  { name = "max_size", type = "integer", min = 1,
    doc = "most responses kept, the least recently used goes first (by and large, from 65,536 on); "
      .. "no bound if not given" },
  { name = "max_bytes", type = "integer", min = 1,
    doc = "most bytes of memory that they hold in all, likewise" },
  { name = "max_entry_bytes", type = "integer", min = 1,
    doc = "a response that holds more is not kept; no bound but max_bytes if not given" },
}

---@class viesti.Store
local Store = core.Store

--- Forgets the responses of a URL, all variants of it.
---@param url string
---@return true done as of any store: another returns nil and why not where it could not
function Store:delete(url)
  core.check_type(self, "viesti.Store", "delete")
  self:remove(Request.from { url = url }.url)
  return true
end

--- Forgets what was stored with a tag, { tag = "a" }, or of URLs that begin so, { prefix =
--- "https://example.org/a/" }. Returns how many responses that were. It looks at every one.
---@param what { tag?: string, prefix?: string }
---@return integer
function Store:purge(what)
  core.check_type(self, "viesti.Store", "purge")
  local kind, text = purging.read(what)
  return self:purge_by(kind, text)
end

core.set_tostring("viesti.Store", function(store)
  return "Store" .. format.options(declaration, store:limits())
end)

local function new(_, ...)
  local values, wrong = options.read("Store", declaration, ...)
  if not values then
    error(core.place() .. wrong, 0)
  end
  return core.store(values.max_size, values.max_bytes, values.max_entry_bytes)
end

return setmetatable({ name = "Store", options = declaration }, {
  __call = new,
  __index = Store,
  __tostring = function() return "Store" end,
})
