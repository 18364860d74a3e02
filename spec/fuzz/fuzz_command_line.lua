-- The arguments of the command: each is an option, the value of one or an operand, and a value is
-- of its option's type; what is wrong is said in words.
--
-- The input: the arguments, one a line.

local arguments = require "viesti.command.arguments"
local declarations = require "viesti.command.declarations"
local promise = require "spec.fuzz.promise"

local function count(values)
  local taken = 0
  for _, value in pairs(values) do
    taken = taken + (type(value) == "table" and #value or 1)
  end
  return taken
end

local function check_value(spec, value)
  if spec.many then
    assert(type(value) == "table" and #value > 0, "no list")
  elseif not spec.value then
    promise.same(true, value, spec.long)
  elseif spec.type then
    assert(type(value) == "number" and value >= spec.min, "no such number")
    assert(spec.type ~= "integer" or math.type(value) == "integer", "no integer")
  end
end

local function check_values(declaration, values)
  for _, spec in ipairs(declaration.options) do
    local value = values[spec.long:gsub("-", "_")]
    if value ~= nil then
      check_value(spec, value)
    end
  end
end

local function check(declaration, list)
  local values, operands = arguments.read(declaration.options, list, declaration.foreign)
  if not values then
    return assert(type(operands) == "string" and operands ~= "", "not said in words")
  end
  check_values(declaration, values)
  check_values(declaration, arguments.fill(declaration.options, values))
  local letters = #table.concat(list)
  assert(#operands + count(values) <= #list + letters, "more than there were")
  for _, operand in ipairs(operands) do
    assert(type(operand) == "string", "no operand")
  end
end

return function(text)
  local list = {}
  for argument in (text .. "\n"):gmatch "([^\n%z]*)\n" do
    list[#list + 1] = argument
  end
  check(declarations.fetch, list)
  for _, declaration in ipairs(declarations.list) do
    check(declaration, list)
  end
end
