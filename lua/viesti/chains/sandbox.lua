--- The names that a chain file has: viesti's own, the harmless part of Lua's, and the host's.
local core = require "viesti.core"
local format = require "viesti.base.format"
local nearest = require "viesti.base.nearest"
local option_types = require "viesti.base.option_types"
local optional = require "viesti.base.optional"
local tables = require "viesti.base.tables"
local untrusted = require "viesti.chains.untrusted"
local words = require "viesti.chains.words"

local sandbox = {}

local function set_of(names)
  local set = {}
  for name in names:gmatch "%w+" do
    set[name] = true
  end
  return set
end

-- Nothing that reaches files, processes or the debugger.
local SAFE = set_of [[
  assert error ipairs math next pairs pcall select string table tonumber tostring type utf8
]]

-- What programs have besides.
local FOR_PROGRAMS = set_of "load check download loop"

-- What may outlive a reload.
local KEPT = set_of [[
  Store Session RateLimit RetryBudget Cooldown ConcurrencyLimit CircuitBreaker tiered har sqlite
  redis RedisLimit
]]

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

-- Of the senders among the arguments, and all below them, what they were given: by that a sender
-- and its copies are known.
local function given_among(...)
  local known = {}
  local function note(value)
    while option_types.is_sender(value) and not known[value._given] do
      known[value._given], value = true, value.sender
    end
  end
  for _, argument in pairs { ... } do
    note(argument)
    for _, value in pairs(type(argument) == "table" and argument or {}) do
      note(value)
    end
  end
  return known
end

-- What the call has built: a sender, and those below it that came with it (`standard` builds many).
local function note_all(edition, built, known)
  while option_types.is_sender(built) and not known[built._given] do
    edition:note(built)
    built = built.sender
  end
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
    note_all(edition, built, given_among(...))
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
    stands_for = object,
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

-- Loaded where it is called, since a file may know a name that it does not use.
local function called_later(name)
  return function(...)
    local constructor, reason = optional.load(name)
    return (constructor or error(reason, 0))(...)
  end
end

local function meaning(edition, name)
  if SAFE[name] then
    return copy_of(_G[name])
  elseif optional.MODULES[name] then
    return guarded(edition, name, called_later(name))
  end
  return guarded(edition, name, words[name])
end

--- Whether the name stands for something in every chain file.
---@param name string
---@return boolean
function sandbox.knows(name)
  return SAFE[name] or optional.MODULES[name] ~= nil or words[name] ~= nil
end

local function names(additions, trusted)
  local all = trusted and { SAFE, optional.MODULES, words } or { untrusted.names }
  all[#all + 1] = additions
  local set = {}
  for _, known in ipairs(all) do
    for name in pairs(known) do
      set[name] = true
    end
  end
  return tables.sorted_keys(set)
end

--- What to say of a name that stands for nothing in a chain file, which was used as if it did; nil:
--- nothing helps.
---@param name string
---@param additions? table<string, any>
---@param trusted boolean
---@return string?
function sandbox.hint(name, additions, trusted)
  if name:lower() == "viesti" then
    return "in chain files its words stand without 'viesti.'"
  elseif sandbox.knows(name) then
    return ("an untrusted chain has no '%s'"):format(name)
  elseif _G[name] ~= nil or FOR_PROGRAMS[name] then
    return ("chain files have no '%s'"):format(name)
  end
  local near = nearest(name, names(additions, trusted))
  return near and ("did you mean '%s'?"):format(near)
end

--- A fresh environment for each reading of a file, so that nothing one defines is seen by another.
---@param edition viesti.Edition notes what is built
---@param additions? table<string, any> the host's own
---@return table<string, any>
function sandbox.environment(edition, additions)
  local env = {}
  for name, value in pairs(additions or {}) do
    env[name] = value
  end
  return setmetatable(env, { __index = function(_, name)
    local value = meaning(edition, name)
    if value ~= nil then
      env[name] = value
    else
      edition:note_missing(name, core.place())
    end
    return value
  end })
end

return sandbox
