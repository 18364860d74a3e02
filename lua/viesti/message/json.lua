--- JSON, which the core writes and lua-cjson reads, with what that gets wrong put right: whole
--- numbers are integers and keep all their digits, null is nil unless asked for.
local core = require "viesti.core"
local format = require "viesti.base.format"
local optional = require "viesti.base.optional"

local json = {}

local NOT_ENOUGH_MEMORY = "not enough memory" -- Lua's own words

-- Stands in for lua-cjson, without which all goes on but the reading of JSON.
local function without_cjson(reason)
  local function refuse()
    error("JSON needs lua-cjson, which cannot be loaded: " .. reason, 0)
  end
  local codec = { decode = refuse, decode_invalid_numbers = function() end }
  return { new = function() return codec end }
end

local function load_cjson()
  local is_there, cjson = pcall(require, "cjson")
  return is_there and cjson or without_cjson(optional.in_words(cjson))
end

local cjson = load_cjson()

--- Stands for null where nil would not do: in tables to encode, and in decode with keep_null.
json.null = core.json_null

local codec = cjson.new()
codec.decode_invalid_numbers(false)

--- Marks a table as a list, so that it encodes as [] even when it is empty. Returns it.
---@param list table
---@return table
function json.array(list)
  if type(list) ~= "table" then
    error("array needs a table, got " .. format.given(list), 2)
  end
  return setmetatable(list, core.json_array)
end

--- The JSON text of `value`, keys in order; or nil and what cannot be encoded ("a function").
---@param value any
---@return string? text, string? reason
function json.encode(value)
  return core.json(value)
end

-- lua-cjson reads every number as a float, which holds 15 digits. Longer whole numbers are handed
-- to it as strings under a mark that no text in UTF-8 and no escape can yield, and become integers
-- afterwards.
local LONG = 16

local function mark_long_integers(text)
  local mark = "\xff:"
  while text:find(mark, 1, true) do -- a text that is not UTF-8
    mark = mark .. "\xff:"
  end
  local parts, position = {}, 1
  local function mark_outside_strings(chunk)
    return (chunk:gsub("%-?%d[%d.eE+-]*", function(number)
      if number:find "^%-?%d+$" and math.tointeger(tonumber(number)) and #number >= LONG then
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

--- The value of a JSON text; or nil and what is wrong with it. null becomes nil, so that a missing
--- and an empty field read the same; with `keep_null` it is json.null.
---@param text string
---@param keep_null? boolean
---@return any value, string? reason
function json.decode(text, keep_null)
  local mark
  if core.has_digits(text, LONG) then
    text, mark = mark_long_integers(text)
  end
  local ok, value = pcall(codec.decode, text)
  if not ok then
    if value == NOT_ENOUGH_MEMORY then
      error(value, 0)
    end
    return nil, tostring(value)
  end
  return core.settle_json(value, mark, keep_null)
end

return json
