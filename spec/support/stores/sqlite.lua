-- SQLite stores in a directory of their own, which goes with them.

local lfs = require("lfs")
local process = require("spec.support.process")
local sqlite = require("viesti.sqlite")

local Place = {}
Place.__index = Place

-- options: those of sqlite, but for the path.
function Place:open(options)
  local given = { path = self.path }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  local store = sqlite(given)
  self.stores[#self.stores + 1] = store
  return store
end

-- The names of the files there, in order.
function Place:files()
  local names = {}
  for name in lfs.dir(self.directory) do
    if not name:find("^%.") then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

function Place:remove()
  for _, store in ipairs(self.stores) do
    store:close()
  end
  process.run("rm -rf " .. process.quote(self.directory))
end

Place.__close = Place.remove

-- A new one: `path` is free, `open` makes a store of it.
return function()
  local directory = process.temporary_directory()
  local path = directory .. "/cache.db"
  return setmetatable({ directory = directory, path = path, stores = {} }, Place)
end
