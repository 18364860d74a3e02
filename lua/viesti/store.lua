--- Store{ max_size }: where CachingSenders keep responses; one may stand in several chains.
local core = require "viesti.core"
local format = require "viesti.format"
local options = require "viesti.options"

local declaration = {
  { name = "max_size", type = "integer", min = 1,
    doc = "most responses kept, the least recently used goes first; no bound if not given" },
}

--- Methods: `store:clear()` forgets every response; `store:count()` says how many there are.
---@class viesti.Store
local Store = core.Store

core.set_tostring("viesti.Store", function(store)
  return "Store" .. format.options(declaration, { max_size = store:max_size() })
end)

local function new(_, ...)
  local values, wrong = options.read("Store", declaration, ...)
  if not values then
    error(wrong, 2)
  end
  return core.store(values.max_size or 0)
end

return setmetatable({ name = "Store", options = declaration }, {
  __call = new,
  __index = Store,
  __tostring = function() return "Store" end,
})
