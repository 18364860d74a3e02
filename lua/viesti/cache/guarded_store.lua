--- A store that is not the core's own, such as a file, a server, or one written in Lua: what goes
--- wrong there costs a hit, never a request.
local bodies = require "viesti.cache.bodies"
local format = require "viesti.base.format"
local new_debts = require "viesti.cache.debts"
local purging = require "viesti.cache.purging"
local warnings = require "viesti.base.warnings"

local GuardedStore = {}
GuardedStore.__index = GuardedStore

-- Seconds between two warnings of one store, which may fail at every request.
local QUIET = 60

function GuardedStore:failed(what, reason)
  self.reason = tostring(reason)
  if not self.warned or os.time() - self.warned >= QUIET then
    self.warned = os.time()
    warnings.StoreWarning:emit(("%s of %s failed, which counts as a miss: %s"):format(
      what, tostring(self.store), tostring(reason)))
  end
end

local function outcome(self, method, done, ...)
  if done then
    return true, ...
  end
  self:failed(method, (...))
  return false
end

-- Calls a method of the store; returns whether that was done, and what it returns.
function GuardedStore:try(method, ...)
  return outcome(self, method, pcall(self.store[method], self.store, ...))
end

-- Likewise, without a word of whether; nothing where it fails.
function GuardedStore:call(method, ...)
  return select(2, self:try(method, ...))
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

--- Tells a store that counts what became of what `get` has found: "stale", it has to be validated
--- first; "miss", none of it fits the request.
---@param event "stale"|"miss"
function GuardedStore:note(event)
  if self.store.note then
    self:call("note", event)
  end
end

-- Whether the store has kept it: it says so by anything but false, or nil and a reason.
function GuardedStore:put(line, generation)
  if not self:is_trusted(line.key) then
    bodies.drop(self, line)
    return false
  elseif self.keeps_bodies and not bodies.split(self, line) then
    return false
  end
  local bounds = self.bounds
  local done, kept, reason = self:try("put", line.key, line.variant, line.entry, {
    seconds = line.seconds, tags = line.tags, generation = generation,
    body = bodies.token(line.body), max_size = bounds.max_size, max_bytes = bounds.max_bytes,
    max_entry_bytes = bounds.max_entry_bytes })
  if done and kept == nil and reason ~= nil then
    self:failed("put", reason)
    return false
  end
  return done and kept ~= false
end

--- Forgets all variants of a key; or nil and why not.
---@return true? done, string? reason
function GuardedStore:invalidate(key)
  local called, done, reason = self:try("invalidate", key)
  if not called then
    self.debts:add(key)
    return nil, self.reason
  end
  self.debts:settle(key)
  return purging.outcome(done, reason)
end

--- Does what the core has written down; returns whether all that was put is kept. What is put
--- behind an invalidation of its own is newer than that: it goes without a generation, that is,
--- whatever the store's is.
---@return boolean
function GuardedStore:apply(lines, generation)
  local kept = true
  for _, line in ipairs(lines) do
    if line.kind == "put" then
      kept = self:put(line, generation) and kept
    elseif line.kind == "remove" then
      self:call("remove", line.key, line.variant)
    else
      self:invalidate(line.key)
      generation = nil
    end
  end
  return kept
end

--- `bounds` are those of who uses it, for a store that takes such.
return function(store, bounds)
  return setmetatable({ store = store, bounds = bounds, debts = new_debts(),
    keeps_bodies = type(store.read_body) == "function" }, GuardedStore)
end
