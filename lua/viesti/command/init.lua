--- The command `viesti`: which of its commands is meant, and what its exit code is.
local arguments = require "viesti.command.arguments"
local core = require "viesti.core"
local declarations = require "viesti.command.declarations"
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"
local help = require "viesti.command.help"
local nearest = require "viesti.base.nearest"
local viesti = require "viesti"

local function command_named(name)
  for _, command in ipairs(declarations.list) do
    if command.name == name then
      return command
    end
  end
end

-- That there is none of that name, and which is near.
local function unknown_command(name)
  local names = {}
  for index, other in ipairs(declarations.list) do
    names[index] = other.name
  end
  local near = nearest(name, names)
  return ("there is no command '%s'%s"):format(name,
    near and (", did you mean '%s'?"):format(near) or ""), near ~= nil
end

local run = {}

function run.fetch(given, values, operands)
  if values.version then
    print(("viesti %s (%s)"):format(viesti.VERSION, viesti.CURL_VERSION))
    return exit_codes.OK
  end
  return require "viesti.command.fetch"(given, values, operands)
end

function run.check(_, values, operands)
  if #operands ~= 1 then
    failure.raise(exit_codes.USAGE, "check needs the name of one file")
  end
  local chain_file = require "viesti.command.chain_file"
  local is_chain, text = chain_file.check(operands[1], not values.untrusted)
  if not is_chain then
    failure.raise(exit_codes.USAGE, text)
  end
  local chain, warnings = text:match "^(.-\n)(warning: .*)$"
  io.stdout:write(chain or text):flush()
  for line in (warnings or ""):gmatch "[^\n]+" do
    io.stderr:write("viesti: ", line, "\n")
  end
  return exit_codes.OK
end

function run.cache(_, values, operands)
  return require "viesti.command.cache"(values, operands)
end

function run.help(_, _, operands)
  local name = operands[1]
  if not name then
    io.write(help.all())
    return exit_codes.OK
  end
  local command = command_named(name)
  if not command then
    failure.raise(exit_codes.USAGE, (unknown_command(name)))
  end
  io.write(help.of(command))
  return exit_codes.OK
end

-- A word can be no URL, for those have a scheme.
local function check_word(name)
  if name and name:find "^%a+$" then
    local sentence, is_near = unknown_command(name)
    if is_near then
      failure.raise(exit_codes.USAGE, sentence)
    end
  end
end

local function dispatch(list)
  local command = command_named(list[1])
  if not command then
    check_word(list[1])
  end
  local rest = table.move(list, command and 2 or 1, #list, 1, {})
  command = command or declarations.fetch
  local given, operands = arguments.read(command.options, rest, command.foreign)
  if not given then
    failure.raise(exit_codes.USAGE, operands)
  end
  if given.help then
    io.write(command.name and help.of(command) or help.all())
    return exit_codes.OK
  end
  return run[command.name or "fetch"](given, arguments.fill(command.options, given), operands)
end

--- Does what the arguments say. Returns the exit code.
---@param list string[]
---@return integer
return function(list)
  core.hold_standard_streams()
  core.release_interrupts()
  local done, result = xpcall(dispatch, function(raised)
    return failure.is(raised) and raised or debug.traceback(tostring(raised), 2)
  end, list)
  if done then
    return result
  end
  io.stderr:write("viesti: ", tostring(result), "\n")
  return failure.is(result) and result.code or exit_codes.FAULT
end
