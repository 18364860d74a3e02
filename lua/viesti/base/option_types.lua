--- What the values of options may be: a Lua type, "integer", or one of the names here; a name in
--- CamelCase is that of a class.
local tables = require "viesti.base.tables"

local option_types = {}

--- True for an object that sends, of a class derived from Sender: construction leaves its mark.
--- False for a class.
function option_types.is_sender(value)
  return type(value) == "table" and rawget(value, "_given") ~= nil
    and type(value.send) == "function"
end

local function is_userdata(name)
  return function(value)
    return type(value) == "userdata" and (debug.getmetatable(value) or {}).__name == name
  end
end

--- True for a list of strings.
function option_types.is_strings(value)
  if not tables.is_list(value) then
    return false
  end
  for _, item in ipairs(value) do
    if type(item) ~= "string" then
      return false
    end
  end
  return true
end

local CLOCK = { "now", "wall", "sleep", "random" }

local function is_clock(value)
  if type(value) ~= "table" then
    return false
  end
  for _, name in ipairs(CLOCK) do
    if type(value[name]) ~= "function" then
      return false
    end
  end
  return true
end

--- True for a Store of the core's.
option_types.is_memory_store = is_userdata "viesti.Store"

--- True for that, and for an object of anybody's with these methods.
function option_types.is_store(value)
  if type(value) ~= "table" then
    return option_types.is_memory_store(value)
  end
  for _, method in ipairs { "get", "put", "remove", "invalidate" } do
    if type(value[method]) ~= "function" then
      return value.near ~= nil and value.far ~= nil
    end
  end
  return true
end

--- True for the header fields of a request or a response.
option_types.is_headers = is_userdata "viesti.Headers"

local CHECKS = {
  any = function(value) return value ~= nil end,
  integer = function(value) return math.type(value) == "integer" end,
  number = function(value) return type(value) == "number" and value == value end,
  sender = option_types.is_sender,
  clock = is_clock,
  strings = option_types.is_strings,
  file = function(value) return io.type(value) == "file" end,
  headers = option_types.is_headers,
  multipart = is_userdata "viesti.Multipart",
  request = is_userdata "viesti.Request",
  session = is_userdata "viesti.Session",
  store = option_types.is_store,
}

local DESCRIPTIONS = {
  integer = "an integer",
  number = "a number",
  string = "a string",
  boolean = "true or false",
  table = "a table",
  ["function"] = "a function",
  sender = "a sender",
  clock = "a table of the functions now, wall, sleep and random",
  strings = "a list of strings",
  file = "an open file",
  headers = "Headers",
  multipart = "another request's multipart",
  request = "a Request",
  session = "a Session",
  store = "a store",
}

-- An object of that class, or of a child of it.
local function is_of_class(name)
  return function(value)
    local candidate = type(value) == "table" and getmetatable(value) or nil
    while candidate and candidate.__name ~= name do
      candidate = candidate.super
    end
    return candidate ~= nil
  end
end

local function is_class_name(name)
  return name:find "^%u%w*$" ~= nil
end

local function type_check(name)
  return CHECKS[name] or is_class_name(name) and is_of_class(name)
    or function(value) return type(value) == name end
end

local LUA_TYPES = {
  string = true, boolean = true, table = true, ["function"] = true, userdata = true,
}

--- True for the name of one type.
---@param name string
---@return boolean
function option_types.is_known(name)
  return (CHECKS[name] or LUA_TYPES[name] or is_class_name(name)) and true or false
end

--- What it is called in a sentence: "an integer".
---@param name string
---@return string
function option_types.describe(name)
  return DESCRIPTIONS[name] or is_class_name(name) and "a " .. name or name
end

local function either(check, other)
  return function(value)
    return check(value) or other(value)
  end
end

--- What tells whether a value is of a declared type, which may be several joined by "|" and is
--- taken apart once, not for every value.
---@param declared string
---@return fun(value: any): boolean
function option_types.check_of(declared)
  local has_type
  for name in declared:gmatch "[^|]+" do
    local check = type_check(name)
    has_type = has_type and either(has_type, check) or check
  end
  return has_type
end

return option_types
