-- The kinds of store that a cache's specs run over: names to functions that make a place, which
-- opens empty stores until it is removed.

local redis_server = require("spec.support.redis_server")
local sqlite_place = require("spec.support.stores.sqlite")
local viesti = require("viesti")

local stores = {}

local function nothing() end

function stores.memory()
  return { open = function() return viesti.Store() end, remove = nothing }
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

local function plain()
  return setmetatable({ entries = {}, generations = {} }, Plain)
end

function stores.plain()
  return { open = plain, remove = nothing }
end

function stores.tiered()
  local function open()
    return viesti.tiered({ viesti.Store(), plain() })
  end
  return { open = open, remove = nothing }
end

function stores.sqlite()
  local places = {}
  local function open()
    places[#places + 1] = sqlite_place()
    return places[#places]:open()
  end
  local function remove()
    for _, place in ipairs(places) do
      place:remove()
    end
  end
  return { open = open, remove = remove }
end

-- Each under a prefix of its own.
function stores.redis()
  local server, count = redis_server.start(), 0
  local function open()
    count = count + 1
    return server:store({ key_prefix = count .. ":" })
  end
  local function remove()
    server:stop()
  end
  return { open = open, remove = remove }
end

return stores
