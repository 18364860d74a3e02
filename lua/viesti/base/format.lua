--- Values as Lua source, for tostring and for error messages.
local tables = require "viesti.base.tables"

local format = {}

local LONGEST_STRING = 200
local HIDDEN = "<hidden>"

-- User and password in a URL are for its host alone.
local function without_credentials(text)
  return (text:gsub("://[^/?#%s]*@", "://***@"))
end

local value_text

local function key_text(key, within)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then
    return key
  end
  return "[" .. value_text(key, within) .. "]"
end

-- `within`: the tables around it, one of which it may be.
local function table_text(value, within)
  if within[value] then
    return "{ ... }"
  end
  within[value] = true
  local parts = {}
  for index, item in ipairs(value) do
    parts[index] = value_text(item, within)
  end
  local length = #parts
  for _, key in ipairs(tables.sorted_keys(value)) do
    if not (math.type(key) == "integer" and key >= 1 and key <= length) then
      parts[#parts + 1] = key_text(key, within) .. " = " .. value_text(value[key], within)
    end
  end
  within[value] = nil
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

-- Reads back as the same number: tostring gives 14 digits, and "inf" for math.huge.
local function number_text(number)
  for _, text in ipairs { tostring(number), ("%.17g"):format(number) } do
    if tonumber(text) == number then
      return text
    end
  end
  return ("%q"):format(number)
end

function value_text(value, within)
  if type(value) == "string" then
    local text = string.format("%q", without_credentials(value))
    return (text:gsub("\n", "n"):gsub("\r", "\\r"):gsub("\0", "\\0"))
  elseif type(value) == "number" then
    return number_text(value)
  elseif type(value) == "table" and getmetatable(value) == nil then
    return table_text(value, within)
  elseif type(value) == "function" then
    return "<function>"
  end
  return tostring(value)
end

--- A value as it would be written, but for user and password in URLs; objects by their own
--- tostring. A table is "{ a = 1, b = 2 }", list items first and without keys.
function format.value(value)
  return value_text(value, {})
end

--- A URL, or what was meant as one, from the last "@" on: of what cannot be read, nobody knows
--- where user and password end. The path of a socket has neither.
---@param text string
---@return string
function format.url(text)
  if text:find "^unix:///" then
    return text
  end
  local scheme, rest = text:match "^(%a[%w+.-]*://)(.*)$"
  return (scheme or "") .. (rest or text):gsub("^.*@", "***@")
end

-- A copy, in which no string has credentials; objects are not copied.
local function copy_without_credentials(value)
  if type(value) == "string" then
    return without_credentials(value)
  elseif type(value) ~= "table" or getmetatable(value) ~= nil then
    return value
  end
  local shown = {}
  for key, item in pairs(value) do
    shown[key] = copy_without_credentials(item)
  end
  return shown
end

--- The value of an option as others may see it, a copy: `secret` hides it, `secret_strings` the
--- strings and lists of them in a table of values that are mostly harmless.
function format.public(spec, value)
  if spec.secret then
    return HIDDEN
  elseif not spec.secret_strings then
    return copy_without_credentials(value)
  end
  local shown = {}
  for key, item in pairs(value) do
    local is_text = type(item) == "string" or type(item) == "table"
    shown[key] = is_text and HIDDEN or item
  end
  return shown
end

local function option_value(spec, value)
  return spec.secret and HIDDEN or format.value(format.public(spec, value))
end

--- What was given of declared options, as the arguments of a constructor, with `sender` (if any) as
--- the last: "{ retries = 3, sender = SyncSender() }". Secrets are not shown.
function format.options(declaration, given, sender)
  local parts = {}
  for _, spec in ipairs(declaration) do
    local value = given[spec.name]
    if value ~= nil and spec.name ~= "sender" then
      parts[#parts + 1] = spec.name .. " = " .. option_value(spec, value)
    end
  end
  if sender then
    parts[#parts + 1] = "sender = " .. tostring(sender)
  end
  return #parts == 0 and "()" or "{ " .. table.concat(parts, ", ") .. " }"
end

--- True for a class; and for what a chain file has in its place.
function format.is_class(value)
  if type(value) ~= "table" then
    return false
  end
  local meta = debug.getmetatable(value)
  local class = meta and rawget(meta, "stands_for") or value
  return type(class) == "table" and rawget(class, "__index") == class
end

--- The value and its type, for a message that says what was given.
function format.given(value)
  if value == nil then
    return "nothing"
  elseif type(value) == "table" and getmetatable(value) == nil then
    return "a table"
  elseif type(value) == "function" then
    return "a function"
  elseif format.is_class(value) then
    return "the class " .. tostring(value)
  elseif type(value) == "string" and #value > LONGEST_STRING then
    return format.value(without_credentials(value):sub(1, LONGEST_STRING) .. "...")
  end
  return format.value(value)
end

--- Seconds in a sentence: three digits, or all of those before the point.
---@param number number
---@return string
function format.seconds(number)
  return (number < 999.5 and "%.3g s" or "%.0f s"):format(number)
end

--- What a user's code raised, in words.
function format.raised(value)
  if type(value) == "string" then
    return value
  elseif getmetatable(value) == nil then
    return ("it raised %s instead of a sentence"):format(
      value == nil and "nothing" or "a " .. type(value))
  end
  local printable, text = pcall(tostring, value)
  return printable and text or "it raised an error that cannot be printed"
end

return format
