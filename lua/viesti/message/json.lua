--- JSON over lua-cjson, with what it gets wrong put right: whole numbers are integers, numbers
--- keep all their digits, null is nil unless asked for, and what cannot be encoded is said in a
--- sentence.
local format = require "viesti.base.format"
local number_text = require "viesti.base.number_text"
local optional = require "viesti.base.optional"
local refusal = require "viesti.base.refusal"
local tables = require "viesti.base.tables"

local json = {}

local NOT_ENOUGH_MEMORY = "not enough memory" -- Lua's own words

-- Stands in for lua-cjson, without which all goes on but JSON.
local function without_cjson(reason)
  local function refuse()
    error("JSON needs lua-cjson, which cannot be loaded: " .. reason, 0)
  end
  local codec = { encode = refuse, decode = refuse, encode_invalid_numbers = function() end,
    decode_invalid_numbers = function() end }
  return { null = setmetatable({}, { __tostring = function() return "null" end }),
    new = function() return codec end }
end

local function load_cjson()
  local is_there, cjson = pcall(require, "cjson")
  return is_there and cjson or without_cjson(optional.in_words(cjson))
end

local cjson = load_cjson()

--- Stands for null where nil would not do: in tables to encode, and in decode with keep_null.
json.null = cjson.null

local DEEPEST = 500

local codec = cjson.new()
codec.encode_invalid_numbers(false)
codec.decode_invalid_numbers(false)

local encode_value

local function encode_string(text)
  if not utf8.len(text) then
    refusal.raise("a string that is not UTF-8")
  end
  return codec.encode(text)
end

local function encode_number(number)
  if number ~= number or number == math.huge or number == -math.huge then
    refusal.raise("a number that is not finite")
  end
  return number_text(number)
end

local function encode_list(list, depth)
  local parts = {}
  for index = 1, #list do
    parts[index] = encode_value(list[index], depth)
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function encode_object(object, depth)
  local parts = {}
  for _, key in ipairs(tables.sorted_keys(object)) do
    if type(key) ~= "string" then
      refusal.raise("a table with the key " .. tostring(key) .. " among others: "
        .. "keys must be all strings or 1 to n")
    end
    parts[#parts + 1] = encode_string(key) .. ":" .. encode_value(object[key], depth)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local array_mark = {}

--- Marks a table as a list, so that it encodes as [] even when it is empty. Returns it.
---@param list table
---@return table
function json.array(list)
  if type(list) ~= "table" then
    error("array needs a table, got " .. format.given(list), 2)
  end
  return setmetatable(list, array_mark)
end

local function encode_table(value, depth)
  if depth > DEEPEST then
    refusal.raise("tables nested more than " .. DEEPEST .. " deep, or in a circle")
  elseif getmetatable(value) == array_mark or (#value > 0 and tables.is_list(value)) then
    return encode_list(value, depth + 1)
  end
  return encode_object(value, depth + 1)
end

local simple = {
  ["nil"] = function() return "null" end,
  boolean = tostring,
  number = encode_number,
  string = encode_string,
}

function encode_value(value, depth)
  if simple[type(value)] then
    return simple[type(value)](value)
  elseif value == json.null then
    return "null"
  elseif type(value) == "table" then
    return encode_table(value, depth)
  end
  refusal.raise("a " .. type(value))
end

--- The JSON text of `value`, keys in order; or nil and what cannot be encoded ("a function").
---@param value any
---@return string? text, string? reason
function json.encode(value)
  return refusal.catch(encode_value, value, 1)
end

-- lua-cjson reads every number as a float, which holds 15 digits. Longer whole numbers are handed
-- to it as strings under a mark that no text in UTF-8 and no escape can yield, and become integers
-- afterwards.
local LONG_INTEGER = ("%d"):rep(16)

local function mark_long_integers(text)
  local mark = "\xff:"
  while text:find(mark, 1, true) do -- a text that is not UTF-8
    mark = mark .. "\xff:"
  end
  local parts, position = {}, 1
  local function mark_outside_strings(chunk)
    return (chunk:gsub("%-?%d[%d.eE+-]*", function(number)
      if number:find "^%-?%d+$" and math.tointeger(tonumber(number)) and #number > 15 then
        return '"' .. mark .. number .. '"'
      end
    end))
  end
  while true do
    local quote = text:find('"', position, true)
    if not quote then
      parts[#parts + 1] = mark_outside_strings(text:sub(position))
      return table.concat(parts), mark
    end
    parts[#parts + 1] = mark_outside_strings(text:sub(position, quote - 1))
    local close = quote
    repeat
      close = text:find('["\\]', close + 1)
      local escaped = close and text:byte(close) == 92
      close = escaped and close + 1 or close
    until not escaped
    parts[#parts + 1] = text:sub(quote, close or #text)
    position = (close or #text) + 1
  end
end

local function restore(value, mark, keep_null)
  local kind = math.type(value)
  if kind == "float" then
    local whole = math.abs(value) < 2 ^ 53 and math.tointeger(value)
    return whole or value
  elseif type(value) == "string" and mark and value:sub(1, #mark) == mark then
    return math.tointeger(tonumber(value:sub(#mark + 1)))
  elseif value == json.null and not keep_null then
    return nil
  elseif type(value) == "table" then
    for key, item in pairs(value) do
      value[key] = restore(item, mark, keep_null)
    end
  end
  return value
end

--- The value of a JSON text; or nil and what is wrong with it. null becomes nil, so that a missing
--- and an empty field read the same; with `keep_null` it is json.null.
---@param text string
---@param keep_null? boolean
---@return any value, string? reason
function json.decode(text, keep_null)
  local mark
  if text:find(LONG_INTEGER) then
    text, mark = mark_long_integers(text)
  end
  local ok, value = pcall(codec.decode, text)
  if not ok then
    if value == NOT_ENOUGH_MEMORY then
      error(value, 0)
    end
    return nil, tostring(value)
  end
  return restore(value, mark, keep_null)
end

return json
