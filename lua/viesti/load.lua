--- Chains from Lua source: the same words as in code, and nothing else within reach.
local core = require "viesti.core"
local format = require "viesti.format"
local options = require "viesti.options"

-- What a chain's source may use of Lua itself: nothing that reaches files, processes or the
-- debugger.
local SAFE = {
  "assert", "error", "ipairs", "math", "next", "pairs", "pcall", "select", "string", "table",
  "tonumber", "tostring", "type", "utf8",
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

-- A class (or warning category) to use and to extend, but not to change for everybody else.
local function read_only(object)
  if type(object) ~= "table" then
    return object
  end
  return setmetatable({}, {
    __index = object,
    __call = function(_, ...)
      return object(...)
    end,
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

-- A fresh one for each source, so that nothing one source defines is seen by another.
local function environment(additions)
  local env = {}
  for _, name in ipairs(SAFE) do
    env[name] = copy_of(_G[name])
  end
  for name, value in pairs(require "viesti") do
    env[name] = read_only(value)
  end
  for name, value in pairs(additions or {}) do
    env[name] = value
  end
  return env
end

--- Runs the text of a chain file, which ends with `return <the chain>`. Its globals are viesti's
--- names, the harmless part of Lua's, and those of `env`. Precompiled chunks are refused.
---@param text string
---@param name? string for messages, as for Lua's own load
---@param env? table<string, any>
---@return viesti.Sender? chain, string? reason
return function(text, name, env)
  if type(text) ~= "string" then
    error(core.place() .. "load needs the text of a chain, got " .. format.given(text), 0)
  end
  if name ~= nil and type(name) ~= "string" then
    error(core.place() .. "load: the name of a chain is a string, got " .. format.given(name), 0)
  end
  local chunk, wrong = load(text, name or "=chain", "t", environment(env))
  if not chunk then
    return nil, wrong
  end
  local ok, chain = pcall(chunk)
  if not ok then
    return nil, tostring(chain)
  elseif not options.is_sender(chain) then
    return nil, ("%s must return a sender, it returned %s"):format(
      (name or "the chain"):gsub("^[=@]", ""), format.given(chain))
  end
  return chain
end
