--- What `load` and `check` are given, checked.
local core = require "viesti.core"
local format = require "viesti.base.format"
local new_chain_file = require "viesti.chains.chain_file"
local options = require "viesti.base.options"

local arguments = {}

arguments.CHOICES = {
  { name = "trusted", type = "boolean", default = true,
    doc = "false: the file may hold data only, and is run with bounded memory and time" },
  { name = "name", type = "string",
    doc = "what to call it in messages, as for Lua's own load; its path if not given" },
}

local function misuse(caller, sentence)
  error(core.place() .. caller .. sentence, 0)
end

-- A file that is not trusted is not run as if it were.
local function check_place_of_choices(caller, env, choices)
  if choices == nil and env ~= nil and type(env.trusted) == "boolean" then
    misuse(caller, (": trusted is a choice, and choices are the third argument: %s(what, nil, "
      .. "{ trusted = %s })"):format(caller, env.trusted))
  end
end

local function check_names(caller, env)
  if env ~= nil and type(env) ~= "table" then
    misuse(caller, ": the names for a chain are a table, got " .. format.given(env))
  end
  for name in pairs(env or {}) do
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
      misuse(caller, ": a name for a chain is an identifier, got " .. format.given(name))
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

--- The ChainFile that `caller`, which has these choices, is called with.
---@param caller "load"|"check"
---@param declaration table
---@param what any
---@param env any
---@param choices any
---@return viesti.ChainFile
function arguments.file(caller, declaration, what, env, choices)
  if type(what) ~= "string" then
    misuse(caller, " needs the path or the text of a chain, got " .. format.given(what))
  end
  check_names(caller, env)
  check_place_of_choices(caller, env, choices)
  if choices ~= nil and type(choices) ~= "table" then
    misuse(caller, ": its choices are a table such as { trusted = false }, got "
      .. format.given(choices))
  end
  local values, wrong = options.read(caller, declaration, choices or {})
  if not values then
    error(core.place() .. wrong, 0)
  end
  local source = { [is_path(what) and "path" or "text"] = what, name = values.name }
  return new_chain_file(source, env, values.trusted)
end

return arguments
