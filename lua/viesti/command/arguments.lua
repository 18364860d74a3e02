--- The arguments of a command, read by the declaration of its options as getopt_long does: short
--- ones may stand together, a value may be joined to its option, options may stand behind operands,
--- and -- ends them.
local nearest = require "viesti.base.nearest"
local options = require "viesti.base.options"

local arguments = {}

local function key_of(spec)
  return (spec.long:gsub("-", "_"))
end

local function find(declaration, kind, name)
  for _, spec in ipairs(declaration) do
    if spec[kind] == name then
      return spec
    end
  end
end

-- A decimal number, or nil.
local function number_of(spec, text)
  local number = text:find "^%d+%.?%d*$" and tonumber(text)
  if number and spec.type == "integer" then
    number = math.tointeger(number)
  end
  return number and number >= spec.min and number or nil
end

local function convert(spec, text)
  if not spec.type then
    return text
  end
  local number = number_of(spec, text)
  if not number then
    return nil, ("--%s must be %s%s, got '%s'"):format(spec.long,
      options.allowed { type = spec.type, min = spec.min },
      spec.value == "SECONDS" and ", in seconds" or "", text)
  end
  return number
end

local Reader = {}
Reader.__index = Reader

-- What is said of an option that there is none: what there is instead, or what is near.
function Reader:unknown(kind, name)
  local refusal = ("there is no option %s%s"):format(kind == "long" and "--" or "-", name)
  local foreign = find(self.foreign, kind, name)
  if foreign then
    return ("%s: %s"):format(refusal, foreign.hint)
  end
  local names = {}
  for index, spec in ipairs(self.declaration) do
    names[index] = spec.long
  end
  local near = kind == "long" and nearest(name, names)
  return near and ("%s, did you mean --%s?"):format(refusal, near) or refusal
end

-- Notes an option, with its value, which is the next argument if it is not joined to it.
function Reader:take(spec, shown, joined)
  if not spec.value then
    self.values[key_of(spec)] = true
    return not joined, joined and ("%s takes no value"):format(shown)
  end
  local text = joined
  if not text then
    self.position = self.position + 1
    text = self.list[self.position]
  end
  if not text then
    return nil, ("%s needs a value: %s"):format(shown, spec.value)
  end
  local value, wrong = convert(spec, text)
  if value == nil then
    return nil, wrong
  end
  local key = key_of(spec)
  if spec.many then
    self.values[key] = self.values[key] or {}
    table.insert(self.values[key], value)
  else
    self.values[key] = value
  end
  return true
end

function Reader:read_long(argument)
  local name, joined = argument:match "^%-%-([^=]+)=(.*)$"
  name = name or argument:sub(3)
  local spec = find(self.declaration, "long", name)
  if not spec then
    return nil, self:unknown("long", name)
  end
  return self:take(spec, "--" .. name, joined)
end

-- "-sSo" and "-ofile": letters, of which the first that wants a value has the rest for it.
function Reader:read_short(argument)
  for position = 2, #argument do
    local letter = argument:sub(position, position)
    local spec = find(self.declaration, "short", letter)
    if not spec then
      return nil, self:unknown("short", letter)
    end
    local rest = argument:sub(position + 1)
    if spec.value then
      return self:take(spec, "-" .. letter, rest ~= "" and rest or nil)
    end
    self.values[key_of(spec)] = true
  end
  return true
end

function Reader:read()
  local operands, ended = {}, false
  while self.position < #self.list do
    self.position = self.position + 1
    local argument = self.list[self.position]
    local done, wrong = true, nil
    if ended or argument == "-" or argument:sub(1, 1) ~= "-" then
      operands[#operands + 1] = argument
    elseif argument == "--" then
      ended = true
    elseif argument:sub(1, 2) == "--" then
      done, wrong = self:read_long(argument)
    else
      done, wrong = self:read_short(argument)
    end
    if not done then
      return nil, wrong
    end
  end
  return operands
end

--- What was given, by long names with "_" for "-", and the operands; or nil and what is wrong. The
--- last of an option that may be given once counts. Nothing has a default here: see `fill`.
---@param declaration table[]
---@param list string[]
---@param foreign? table[] options of other programs, { long, short, hint }, that are refused so
---@return table? values, string[]|string operands or what is wrong
function arguments.read(declaration, list, foreign)
  local reader = setmetatable({ declaration = declaration, list = list, position = 0,
    values = {}, foreign = foreign or {} }, Reader)
  local operands, wrong = reader:read()
  if not operands then
    return nil, wrong
  end
  return reader.values, operands
end

--- The same with the defaults of what was not given.
---@param declaration table[]
---@param given table
---@return table
function arguments.fill(declaration, given)
  local values = {}
  for _, spec in ipairs(declaration) do
    local key = key_of(spec)
    local value = given[key]
    if value == nil then
      value = spec.default
    end
    values[key] = value
  end
  return values
end

--- The first option in `given` whose declaration says `mark`, as it is written; nil: none.
---@return string?
function arguments.marked(declaration, given, mark)
  for _, spec in ipairs(declaration) do
    if spec[mark] and given[key_of(spec)] ~= nil then
      return "--" .. spec.long
    end
  end
end

return arguments
