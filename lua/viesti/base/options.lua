--- Options: declared once per class, read from a table or from positional arguments.
---
--- A declaration is a list, in positional order, of
---   { name = "retries", type = "integer", default = 0, min = 0, doc = "..." }
--- with, where they apply: `max`, `values` (the allowed ones), `required`, `fields` (a nested
--- declaration, for a table), `secret` (never shown), `by_name` (it has no position), `form` (what
--- a value looks like, where the type says too little). `type` is one of `option_types`, or several
--- joined by "|".
local foreign_names = require "viesti.base.foreign_names"
local format = require "viesti.base.format"
local nearest = require "viesti.base.nearest"
local option_types = require "viesti.base.option_types"
local tables = require "viesti.base.tables"

local options = {}

-- By spec, worked out on first use.
local types = setmetatable({}, { __mode = "k" })

local function in_range(spec, value)
  if type(value) ~= "number" then
    return true
  end
  return value >= (spec.min or -math.huge) and value <= (spec.max or math.huge)
end

local function is_listed(spec, value)
  for _, allowed in ipairs(spec.values) do
    if allowed == value then
      return true
    end
  end
  return false
end

local SPEC_KEYS = {
  name = "string", type = "string", default = "any", min = "number", max = "number",
  values = "table", required = "boolean", fields = "table", secret = "boolean",
  secret_strings = "boolean", by_name = "boolean", form = "string", doc = "string",
}

-- Whether the option may have that value.
local function takes(spec, value)
  local has_type = types[spec]
  if not has_type then
    has_type = option_types.check_of(spec.type)
    types[spec] = has_type
  end
  local is_free = spec.min == nil and spec.max == nil and math.type(value) ~= "float"
  return has_type(value) and (is_free or in_range(spec, value))
    and (not spec.values or is_listed(spec, value))
end

local function check_spec(spec)
  if type(spec) ~= "table" or type(spec.name) ~= "string" then
    return "must be a table with a name, got " .. format.value(spec)
  end
  for key, value in pairs(spec) do
    local wanted = SPEC_KEYS[key]
    if not wanted then
      local near = nearest(tostring(key), tables.sorted_keys(SPEC_KEYS))
      return ("'%s' has %s, which means nothing%s"):format(spec.name, format.value(key),
        near and (", did you mean '%s'?"):format(near) or "")
    elseif wanted ~= "any" and type(value) ~= wanted then
      return ("'%s': %s must be a %s, got %s"):format(spec.name, key, wanted, format.given(value))
    end
  end
  for name in (spec.type or ""):gmatch "[^|]+" do
    if not option_types.is_known(name) then
      return ("'%s': there is no type '%s'"):format(spec.name, name)
    end
  end
  if not (spec.type or ""):find "[^|]" then
    return ("'%s' has no type"):format(spec.name)
  elseif spec.default ~= nil and not takes(spec, spec.default) then
    return ("'%s': its default must be %s, got %s"):format(spec.name, options.allowed(spec),
      spec.secret and "a " .. type(spec.default) or format.given(spec.default))
  end
end

--- What is wrong with a declaration, as the end of a sentence about its class; nil if it is fine.
function options.check_declaration(declaration)
  if not tables.is_list(declaration) then
    return "its options must be a list of tables { name = ..., type = ... }"
  end
  for position, spec in ipairs(declaration) do
    local wrong = check_spec(spec)
    if wrong then
      return ("option %d %s"):format(position, wrong)
    end
  end
end

local function bounds_of(spec)
  if spec.min and spec.max then
    return (" from %s to %s"):format(spec.min, math.tointeger(spec.max) or spec.max)
  elseif spec.min then
    return (" of %s or more"):format(spec.min)
  end
  return ""
end

--- What a value may be, as the end of a sentence: "an integer of 0 or more".
function options.allowed(spec)
  if spec.values then
    local quoted = {}
    for index, value in ipairs(spec.values) do
      quoted[index] = format.value(value)
    end
    return "one of " .. table.concat(quoted, ", ")
  end
  local kinds, bounds = {}, bounds_of(spec)
  for name in spec.type:gmatch "[^|]+" do
    local is_number = name == "number" or name == "integer"
    kinds[#kinds + 1] = option_types.describe(name) .. (is_number and bounds or "")
  end
  return table.concat(kinds, " or ") .. (spec.form and " " .. spec.form or "")
end

local function names_of(declaration)
  local names = {}
  for index, spec in ipairs(declaration) do
    names[index] = spec.name
  end
  return names
end

local function contains(list, item)
  for _, each in ipairs(list) do
    if each == item then
      return true
    end
  end
  return false
end

local function unknown(owner, declaration, key)
  local refusal = ("%s: there is no option %s%s"):format(owner, format.given(key),
    math.type(key) == "integer" and ", in a table they have names" or "")
  local names = names_of(declaration)
  local listed = #names == 0 and "none" or table.concat(names, ", ")
  local class, option = (foreign_names[key] or ""):match "^(%w+)%.([%w_]+)$"
  if class and not contains(names, option) then
    return ("%s, %s has '%s' for that (%s has %s)"):format(refusal, class, option, owner, listed)
  end
  local near = option or nearest(tostring(key), names)
  return ("%s%s (%s)"):format(refusal, near and (", did you mean '%s'?"):format(near) or "",
    #names == 0 and "it has none" or "its options are " .. listed)
end

local read_table

-- By declaration, worked out on first use: its specs by name, and those that say something where
-- nothing is given.
local outlines = setmetatable({}, { __mode = "k" })

local function outline_of(declaration)
  local outline = outlines[declaration]
  if not outline then
    outline = { specs = {}, unasked = {} }
    for _, spec in ipairs(declaration) do
      outline.specs[spec.name] = spec
      if spec.required or spec.fields or spec.default ~= nil then
        outline.unasked[#outline.unasked + 1] = spec
      end
    end
    outlines[declaration] = outline
  end
  return outline
end

-- 1e6 is as good as 1000000 where an integer is wanted.
local function as_integer(spec, value)
  return spec.type:find("integer", 1, true) and math.tointeger(value) or value
end

-- What is counted, for who wrote "10s" or "64 MiB".
local function unit_of(spec, value)
  local doc = spec.doc or ""
  local has_unit = doc:find("seconds", 1, true) or doc:find("bytes", 1, true)
  if has_unit and type(value) == "string" and (spec.type == "number" or spec.type == "integer") then
    return (" (%s: %s)"):format(spec.name, doc)
  end
  return ""
end

-- What makes what is wanted of what was given.
local function hint(spec, value)
  if spec.type == "sender" and format.is_class(value) then
    return (": %s {} makes one"):format(tostring(value))
  elseif spec.type == "store" and type(value) == "string" then
    return (": %s(...) makes one"):format(value:find "^%a+://" and "redis" or "sqlite")
  end
  return unit_of(spec, value)
end

-- The value of an option, its default if it has one and nothing is given; or nil and what is wrong.
local function read_value(owner, spec, value)
  if value == nil then
    if spec.required then
      return nil, ("%s: %s is missing, it must be %s"):format(
        owner, spec.name, options.allowed(spec))
    elseif not spec.fields then
      return spec.default
    end
    value = {}
  end
  if math.type(value) == "float" then
    value = as_integer(spec, value)
  end
  if not takes(spec, value) then
    return nil, ("%s: %s must be %s, got %s%s"):format(
      owner, spec.name, options.allowed(spec),
      spec.secret and "a " .. type(value) or format.given(value), hint(spec, value))
  end
  if spec.fields then
    return read_table(owner .. "." .. spec.name, spec.fields, value)
  end
  return value
end

-- What is wrong with the first of them that has something wrong, in the order of the declaration.
local function first_refusal(owner, declaration, given)
  for _, spec in ipairs(declaration) do
    local _, wrong = read_value(owner, spec, given[spec.name])
    if wrong then
      return wrong
    end
  end
end

-- An object of the caller's may have options that it inherits.
local function with_inherited(declaration, object)
  local given = {}
  for key, value in pairs(object) do
    given[key] = value
  end
  for _, spec in ipairs(declaration) do
    given[spec.name] = object[spec.name]
  end
  return given
end

function read_table(owner, declaration, given)
  if getmetatable(given) ~= nil then
    given = with_inherited(declaration, given)
  end
  local outline = outline_of(declaration)
  local specs, unasked, values = outline.specs, outline.unasked, {}
  local wrong, refused
  for key, value in next, given do
    local spec = specs[key]
    if not spec then
      return nil, unknown(owner, declaration, key)
    end
    values[key], wrong = read_value(owner, spec, value)
    refused = refused or wrong
  end
  for index = 1, #unasked do
    local spec = unasked[index]
    if given[spec.name] == nil then
      values[spec.name], wrong = read_value(owner, spec, nil)
      refused = refused or wrong
    end
  end
  if refused then
    return nil, first_refusal(owner, declaration, given)
  end
  return values
end

local function from_positions(owner, declaration, count, ...)
  local names = {}
  for _, spec in ipairs(declaration) do
    names[#names + 1] = not spec.by_name and spec.name or nil
  end
  if count > #names then
    return nil, ("%s takes at most %d arguments (%s), got %d"):format(
      owner, #names, table.concat(names, ", "), count)
  end
  local given = {}
  for position = 1, count do
    given[names[position]] = (select(position, ...))
  end
  return given
end

--- The checked values of one table of options, which may be an object of the caller's, with
--- defaults filled in; or nil and one sentence that says what is wrong.
options.read_table = read_table

--- Reads the arguments of a constructor: one plain table of options, or positional ones.
--- Returns the checked values with defaults filled in, and what was given; or nil and one sentence
--- that says what is wrong.
function options.read(owner, declaration, ...)
  local count = select("#", ...)
  local given = ...
  if not (count == 1 and type(given) == "table" and getmetatable(given) == nil) then
    local wrong
    given, wrong = from_positions(owner, declaration, count, ...)
    if not given then
      return nil, wrong
    end
  end
  local values, wrong = read_table(owner, declaration, given)
  if not values then
    return nil, wrong
  end
  return values, given
end

return options
