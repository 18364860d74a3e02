--- Header fields, parameters and forms, from the shapes a caller may write them in.
local core = require "viesti.core"
local format = require "viesti.base.format"
local number_text = require "viesti.base.number_text"
local refusal = require "viesti.base.refusal"
local tables = require "viesti.base.tables"

local fields = {}

-- What values may be, by what is made of a boolean.
local WANTED = {
  text = "a string, a number, true, false or a list of them",
  none = "a string, a number or a list of them",
  omit = "a string, a number, a list of them, or false for no such field",
}

local function is_pair(item)
  return type(item) == "table" and #item == 2 and type(item[1]) == "string"
end

-- A single value as it is sent; false for a field that is to be left out; nil if it is neither.
local function written(value, booleans)
  if type(value) == "number" then
    return number_text(value)
  elseif type(value) == "string" or (type(value) == "boolean" and booleans == "text") then
    return tostring(value)
  elseif value == false and booleans == "omit" then
    return false
  end
end

local function add(flat, what, booleans, name, value)
  local single = written(value, booleans)
  if single ~= nil then
    flat[#flat + 1] = name
    flat[#flat + 1] = single
  elseif tables.is_list(value) then
    for _, item in ipairs(value) do
      add(flat, what, booleans == "omit" and "none" or booleans, name, item)
    end
  else
    refusal.raise(("%s: the value of %s must be %s, got %s"):format(
      what, format.value(name), WANTED[booleans], format.given(value)))
  end
end

local function flatten(what, given, booleans)
  local flat = {}
  if #given > 0 then
    for index, item in ipairs(given) do
      if not is_pair(item) then
        refusal.raise(("%s: item %d of the list must be a pair { name, value }, got %s")
          :format(what, index, format.value(item)))
      end
      add(flat, what, booleans, item[1], item[2])
    end
    return flat
  end
  for _, name in ipairs(tables.sorted_keys(given)) do
    if type(name) ~= "string" then
      refusal.raise(("%s: names must be strings, got %s"):format(what, format.value(name)))
    end
    add(flat, what, booleans, name, given[name])
  end
  return flat
end

--- { name, value, name, value, ... } from a table of names to values (sorted by name) or a list of
--- pairs (in its order); a value may be a list, for a repeated name. `what` names the option in
--- the message. `booleans` says what is made of them: "text" as in a form, or "none"; with "omit" a
--- name may stand before false, which says that the field is to be left out. Returns nil and a
--- sentence if the shape is wrong.
function fields.flatten(what, given, booleans)
  if given == nil then
    return {}
  elseif type(given) == "userdata" then
    local flat = {}
    for name, value in pairs(given) do
      flat[#flat + 1] = name
      flat[#flat + 1] = value
    end
    return flat
  end
  return refusal.catch(flatten, what, given, booleans)
end

--- "name=value&name=value", percent-encoded.
fields.encode = core.encode_fields

--- The first value of a field in a flat list, false if it is to be left out, nil if there is none.
function fields.find(flat, name)
  for index = 1, #flat, 2 do
    if flat[index]:lower() == name:lower() then
      return flat[index + 1]
    end
  end
end

--- The same fields as a list of pairs, as a caller may give them.
function fields.pairs(flat)
  local list = {}
  for index = 1, #flat, 2 do
    list[#list + 1] = { flat[index], flat[index + 1] }
  end
  return list
end

--- The fields of `flat` but those of that name.
function fields.without(flat, name)
  local kept = {}
  for index = 1, #flat, 2 do
    if flat[index]:lower() ~= name:lower() then
      table.move(flat, index, index + 1, #kept + 1, kept)
    end
  end
  return kept
end

--- `base` without the fields that `changes` names, followed by those.
function fields.merge(base, changes)
  local merged = base
  for index = 1, #changes, 2 do
    merged = fields.without(merged, changes[index])
  end
  merged = table.move(merged, 1, #merged, 1, {})
  return table.move(changes, 1, #changes, #merged + 1, merged)
end

return fields
