--- The names that a chain file has: viesti's own, the harmless part of Lua's, and the host's.
local core = require "viesti.core"
local format = require "viesti.format"
local options = require "viesti.options"

local sandbox = {}

-- Nothing that reaches files, processes or the debugger.
local SAFE = {
  "assert", "error", "ipairs", "math", "next", "pairs", "pcall", "select", "string", "table",
  "tonumber", "tostring", "type", "utf8",
}

-- What is for programs, not for chains.
local LEFT_OUT = { load = true, check = true, download = true, loop = true }

-- In modules of their own, which need not be installed: the name, the module, the rock.
local STORES = {
  { "sqlite", "viesti.sqlite", "viesti-sqlite" },
  { "redis", "viesti.redis", "viesti-redis" },
  { "RedisLimit", "viesti.redis.limit", "viesti-redis" },
}

-- What may outlive a reload.
local KEPT = {
  Store = true, Session = true, RateLimit = true, RetryBudget = true, Cooldown = true,
  ConcurrencyLimit = true, CircuitBreaker = true, tiered = true, har = true, sqlite = true,
  redis = true, RedisLimit = true,
}

local function copy_of(library)
  if type(library) ~= "table" then
    return library
  end
  local copy = {}
  for name, value in pairs(library) do
    copy[name] = value
  end
  return copy
end

-- What is raised has no place yet: that of the file's line is put before it.
local function without_place(fn, ...)
  local results = table.pack(pcall(fn, ...))
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

-- The function through which the file calls `value`, which it knows as `name`.
local function caller(edition, name, value)
  local make = function(...)
    return without_place(value, ...)
  end
  return core.placed(function(...)
    if KEPT[name] then
      return edition:object(name, make, ...)
    end
    local built = make(...)
    if options.is_sender(built) then
      edition:note(built)
    end
    return built
  end)
end

-- A class (or warning category) to use and to extend, but not to change for everybody else.
local function read_only(edition, name, object)
  local call = caller(edition, name, object)
  local function extend(_, ...)
    local Class = without_place(object.extend, object, ...)
    local meta = getmetatable(Class)
    local construct = meta.__call
    meta.__call = core.placed(function(...)
      return without_place(construct, ...)
    end)
    edition:note_class(Class)
    return Class
  end
  local own = { extend = type(object) == "table" and object.extend and core.placed(extend) or nil }
  return setmetatable({}, {
    __index = function(_, key)
      return own[key] or object[key]
    end,
    __call = core.placed(function(_, ...)
      return call(...)
    end),
    __newindex = function(_, key)
      error(("%s cannot be changed from a chain's source (setting %s)"):format(
        tostring(object), format.value(key)), 2)
    end,
    __tostring = function()
      return tostring(object)
    end,
    __metatable = false,
  })
end

local function guarded(edition, name, value)
  if type(value) == "function" then
    return caller(edition, name, value)
  elseif type(value) == "table" then
    return read_only(edition, name, value)
  end
  return value
end

local function optional(name, module, rock)
  return function(...)
    local is_there, constructor = pcall(require, module)
    if not is_there then
      error(("%s: %s is not installed (the rock %s has it)"):format(name, module, rock), 0)
    end
    return constructor(...)
  end
end

--- A fresh environment for each reading of a file, so that nothing one defines is seen by another.
---@param edition viesti.Edition notes what is built
---@param additions? table<string, any> the host's own
---@return table<string, any>
function sandbox.environment(edition, additions)
  local env = {}
  for _, name in ipairs(SAFE) do
    env[name] = copy_of(_G[name])
  end
  for name, value in pairs(require "viesti") do
    env[name] = not LEFT_OUT[name] and guarded(edition, name, value) or nil
  end
  for _, store in ipairs(STORES) do
    env[store[1]] = guarded(edition, store[1], optional(table.unpack(store)))
  end
  for name, value in pairs(additions or {}) do
    env[name] = value
  end
  return env
end

return sandbox
