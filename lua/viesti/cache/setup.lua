--- What the options of a CachingSender say beyond their types, when it is made.
local core = require "viesti.core"
local format = require "viesti.base.format"
local Store = require "viesti.cache.store"

local setup = {}

local BOUNDS = { "max_size", "max_bytes", "max_entry_bytes" }

local function refuse(sentence, ...)
  error(core.place() .. "CachingSender: " .. sentence:format(...), 0)
end

--- They are such as the rules know, in capitals; GET and HEAD go without saying.
---@param methods string[]?
function setup.check_methods(methods)
  for _, method in ipairs(methods or {}) do
    if not method:find "^%u+$" or method == "GET" or method == "HEAD" then
      refuse("methods must be names in capitals other than GET and HEAD, it has %s",
        format.value(method))
    end
  end
end

--- They can be fields.
---@param names string[]?
function setup.check_targeted(names)
  for _, name in ipairs(names or {}) do
    if not core.is_token(name) then
      refuse("targeted must be names of header fields, it has %s", format.value(name))
    end
  end
end

local function takes_bounds(store)
  return type(store) == "table" and store.takes_bounds
end

--- The store that was given, or one in memory within the bounds that were. Of stores elsewhere some
--- take the bounds of who puts something, beside their own: those are returned as well.
---@param self viesti.CachingSender
---@return table store, table bounds
function setup.open_store(self)
  local store, bounds = self.store, {}
  for _, name in ipairs(BOUNDS) do
    if store and self[name] and not takes_bounds(store) then
      refuse("store and %s are both given; the bound belongs to the Store", name)
    end
    bounds[name] = self[name]
  end
  return store or Store(bounds), bounds
end

return setup
