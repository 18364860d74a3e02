--- A store that is not the core's own, such as a file, a server, or one written in Lua: what goes
--- wrong there costs a hit, never a request.
local format = require "viesti.format"
local warnings = require "viesti.warnings"

local GuardedStore = {}
GuardedStore.__index = GuardedStore

-- Seconds between two warnings of one store, which may fail at every request.
local QUIET = 60

function GuardedStore:failed(what, reason)
  self.failures = self.failures + 1
  if not self.warned or os.time() - self.warned >= QUIET then
    self.warned = os.time()
    warnings.StoreWarning:emit(("%s of %s failed, which counts as a miss: %s"):format(
      what, tostring(self.store), tostring(reason)))
  end
end

-- Calls a method of the store; returns nothing where it fails.
function GuardedStore:call(method, ...)
  local results = table.pack(pcall(self.store[method], self.store, ...))
  if results[1] then
    return table.unpack(results, 2, results.n)
  end
  self:failed(method, results[2])
end

--- The encoded entries of a key, as a list, and what the store wants back when they are replaced.
---@return string[] entries, any generation
function GuardedStore:get(key)
  local entries, generation = self:call("get", key)
  if entries ~= nil and type(entries) ~= "table" then
    self:failed("get", "it must return a list of strings or nil, it returned "
      .. format.given(entries))
    entries = nil
  end
  return entries or {}, generation
end

--- Does what the core has written down. What it puts behind an invalidation of its own is newer
--- than that: it goes without a generation, that is, whatever the store's is.
function GuardedStore:apply(lines, generation)
  for _, line in ipairs(lines) do
    if line.kind == "put" then
      self:call("put", line.key, line.variant, line.entry,
        { seconds = line.seconds, tags = line.tags, generation = generation })
    elseif line.kind == "remove" then
      self:call("remove", line.key, line.variant)
    else
      self:call("invalidate", line.key)
      generation = nil
    end
  end
end

return function(store)
  return setmetatable({ store = store, failures = 0 }, GuardedStore)
end
