--- load(what, env, choices): the chain that a chain file returns, made of the same words as in
--- code, with nothing else within reach.
local core = require "viesti.core"
local format = require "viesti.base.format"
local new_chain_file = require "viesti.chains.chain_file"
local options = require "viesti.base.options"
local Pipeline = require "viesti.chains.pipeline"

local CHOICES = {
  { name = "trusted", type = "boolean", default = true,
    doc = "false: the file may hold data only, and is run with bounded memory and time" },
  { name = "name", type = "string",
    doc = "what to call it in messages, as for Lua's own load; its path if not given" },
}

local function misuse(sentence)
  error(core.place() .. "load" .. sentence, 0)
end

-- A file that is not trusted is not run as if it were.
local function check_place_of_choices(env, choices)
  if choices == nil and env ~= nil and type(env.trusted) == "boolean" then
    misuse((": trusted is a choice, and choices are the third argument: load(what, nil, "
      .. "{ trusted = %s })"):format(env.trusted))
  end
end

local function check_names(env)
  if env ~= nil and type(env) ~= "table" then
    misuse(": the names for a chain are a table, got " .. format.given(env))
  end
  for name in pairs(env or {}) do
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
      misuse(": a name for a chain is an identifier, got " .. format.given(name))
    end
  end
end

-- A text has lines, or is no file's name.
local function is_path(what)
  if what:find "[\n\0]" then
    return false
  elseif what:find "%.lua$" then
    return true
  end
  local file <close> = io.open(what, "rb")
  return file ~= nil
end

--- The chain file `what`, a path or its text, as a sender that can be reloaded. It ends with
--- `return <the chain>`; its globals are viesti's names, the harmless part of Lua's, and those of
--- `env`. Precompiled chunks are refused.
---@param what string
---@param env? table<string, any>
---@param choices? { trusted: boolean?, name: string? }
---@return viesti.Pipeline? pipeline, string? reason
return function(what, env, choices)
  if type(what) ~= "string" then
    misuse(" needs the path or the text of a chain, got " .. format.given(what))
  end
  check_names(env)
  check_place_of_choices(env, choices)
  if choices ~= nil and type(choices) ~= "table" then
    misuse(": its choices are a table such as { trusted = false }, got " .. format.given(choices))
  end
  local values, wrong = options.read("load", CHOICES, choices or {})
  if not values then
    error(core.place() .. wrong, 0)
  end
  local source = { [is_path(what) and "path" or "text"] = what, name = values.name }
  return Pipeline.open(new_chain_file(source, env, values.trusted))
end
