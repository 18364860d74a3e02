--- A store that is not the core's own, such as a file, a server, or one written in Lua: what goes
--- wrong there costs a hit, never a request.
local format = require "viesti.format"
local new_debts = require "viesti.debts"
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

-- Whether a key could be invalidated after all, where that has failed before.
function GuardedStore:is_trusted(key)
  return not self.debts:owes(key) or self:invalidate(key)
end

--- The encoded entries of a key, as a list, and what the store wants back when they are replaced.
--- What could not be invalidated is not served.
---@return string[] entries, any generation
function GuardedStore:get(key)
  if not self:is_trusted(key) then
    return {}, nil
  end
  local entries, generation = self:call("get", key)
  if entries ~= nil and type(entries) ~= "table" then
    self:failed("get", "it must return a list of strings or nil, it returned "
      .. format.given(entries))
    entries = nil
  end
  return entries or {}, generation
end

-- Whether the store has kept it: it says so by anything but false, or nil and a reason.
function GuardedStore:put(line, generation)
  local failures = self.failures
  local kept, reason = self:call("put", line.key, line.variant, line.entry,
    { seconds = line.seconds, tags = line.tags, generation = generation })
  if kept == nil and reason ~= nil then
    self:failed("put", reason)
  end
  return kept ~= false and self.failures == failures
end

-- Whether it was done.
function GuardedStore:invalidate(key)
  local failures = self.failures
  self:call("invalidate", key)
  if self.failures > failures then
    self.debts:add(key)
    return false
  end
  self.debts:settle(key)
  return true
end

--- Does what the core has written down; returns whether all that was put is kept. What is put
--- behind an invalidation of its own is newer than that: it goes without a generation, that is,
--- whatever the store's is.
---@return boolean
function GuardedStore:apply(lines, generation)
  local kept = true
  for _, line in ipairs(lines) do
    if line.kind == "put" then
      kept = self:is_trusted(line.key) and self:put(line, generation) and kept
    elseif line.kind == "remove" then
      self:call("remove", line.key, line.variant)
    else
      self:invalidate(line.key)
      generation = nil
    end
  end
  return kept
end

return function(store)
  return setmetatable({ store = store, failures = 0, debts = new_debts() }, GuardedStore)
end
