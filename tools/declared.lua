-- Declared options in the words of LuaLS.
local format = require "viesti.base.format"
local options = require "viesti.base.options"
local tables = require "viesti.base.tables"

local declared = {}

-- What a type of a declaration is called there; others are Lua's own, or classes.
local TYPES = {
  sender = "viesti.Sender", clock = "viesti.Clock", strings = "string[]", file = "file*",
  headers = "viesti.Headers", multipart = "viesti.Multipart", request = "viesti.Request",
  session = "viesti.Session", store = "viesti.AnyStore",
}

local function each_type(spec)
  return spec.type:gmatch "[^|]+"
end

local function named(name)
  return TYPES[name] or (name:find "^%u" and "viesti." .. name or name)
end

--- The alternatives of a type, as a list: those of a "?" are two.
function declared.alternatives(kind)
  local list, depth, start = {}, 0, 1
  for position = 1, #kind + 1 do
    local char = kind:sub(position, position)
    if char:find "[({<]" then
      depth = depth + 1
    elseif char:find "[)}>]" then
      depth = depth - 1
    elseif (char == "|" or char == "") and depth == 0 then
      local one = kind:sub(start, position - 1)
      local bare = one:match "^(.*)%?$"
      list[#list + 1] = (bare or one):match "^%((.*)%)$" or bare or one
      list[#list + 1] = bare and "nil"
      start = position + 1
    end
  end
  return list
end

-- What a field is where the option was not given.
local function is_none(spec, kind)
  return kind == "nil" or kind == "false" and not spec.type:find "boolean"
end

--- The type that the field of an option has where it was given.
function declared.given(spec, kind)
  local list = {}
  for _, one in ipairs(declared.alternatives(kind)) do
    if not is_none(spec, one) then
      list[#list + 1] = one:find "^fun%(" and "(" .. one .. ")" or one
    end
  end
  return #list == 1 and list[1]:match "^%((.*)%)$" or table.concat(list, "|")
end

-- Whether all that `kind` stands for is what a declaration calls `name`.
local function is_narrower(kind, name)
  if kind == named(name) or name == "any" then
    return true
  elseif name == "function" then
    return kind:find "^fun%(" ~= nil
  elseif name == "string" then
    return kind:find '^".*"$' ~= nil
  elseif name == "table" then
    return kind:find "%[%]$" ~= nil or kind:find "^[{]" ~= nil or kind:find "^table<" ~= nil
      or kind:find "^viesti%..*Options$" ~= nil
  end
  return false
end

--- Why an annotated type is not what the option is declared to be, or only a part of that; nil if
--- it is.
function declared.mismatch(spec, kind)
  local covered = {}
  for _, one in ipairs(declared.alternatives(kind)) do
    local found = is_none(spec, one)
    for name in each_type(spec) do
      if is_narrower(one, name) then
        covered[name], found = true, true
      end
    end
    if not found then
      return ("%s is not declared to be %s, but %s"):format(spec.name, one, spec.type)
    end
  end
  for name in each_type(spec) do
    if not covered[name] then
      return ("%s may be of the type %s, too"):format(spec.name, name)
    end
  end
end

--- The type of an option; `nested` is the class of the table that an option with fields takes.
function declared.type_of(spec, nested)
  if spec.fields then
    return nested
  end
  local kinds = {}
  if spec.values then
    for index, value in ipairs(spec.values) do
      kinds[index] = format.value(value)
    end
    return table.concat(kinds, "|")
  end
  for name in each_type(spec) do
    kinds[#kinds + 1] = named(name)
  end
  return table.concat(kinds, "|")
end

local function range_of(spec)
  if spec.max then
    return ("from %s to %s"):format(spec.min, math.tointeger(spec.max) or spec.max)
  end
  return spec.min and spec.min ~= 0 and ("%s or more"):format(spec.min) or nil
end

--- What is said of an option: its meaning, range and default.
function declared.doc_of(spec)
  local more = { range_of(spec) }
  if spec.default ~= nil then
    more[#more + 1] = "default " .. format.value(spec.default)
  end
  return (spec.doc or "") .. (#more > 0 and (" (%s)"):format(table.concat(more, "; ")) or "")
end

--- The options that have a position, in their order.
function declared.positional(declaration)
  local list = {}
  for _, spec in ipairs(declaration) do
    list[#list + 1] = not spec.by_name and spec or nil
  end
  return list
end

--- Whether something has to be given.
function declared.has_required(declaration)
  for _, spec in ipairs(declaration) do
    if spec.required then
      return true
    end
  end
  return false
end

local function is_declaration(value)
  return type(value) == "table" and tables.is_list(value) and #value > 0
    and type(value[1]) == "table" and options.check_declaration(value) == nil
end

--- The options that a function reads, which its file has in a local variable; nil for none.
function declared.read_by(fn)
  for index = 1, debug.getinfo(fn, "u").nups do
    local _, value = debug.getupvalue(fn, index)
    if is_declaration(value) then
      return value
    end
  end
end

return declared
