--- What a CachingSender keeps responses under, where that is not simply their URL.
local core = require "viesti.core"
local format = require "viesti.base.format"

local CacheKey = {}
CacheKey.__index = CacheKey

-- Names of params, each as a pattern; a star stands for any characters.
local function patterns_of(names)
  local patterns = {}
  for index, name in ipairs(names) do
    patterns[index] = "^" .. name:gsub("[%-%^%$%(%)%%%.%[%]%+%?]", "%%%0"):gsub("%*", ".*") .. "$"
  end
  return patterns
end

-- A name is the same however it is written.
local function decoded(name)
  return (name:gsub("%+", " "):gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local function is_ignored(patterns, name)
  for _, pattern in ipairs(patterns) do
    if name:find(pattern) then
      return true
    end
  end
  return false
end

local function without(url, patterns)
  local base, query = url:match "^([^?]*)%?(.*)$"
  if not base then
    return url
  end
  local kept = {}
  for param in query:gmatch "[^&]+" do
    local name = decoded(param:match "^[^=]*")
    if not is_ignored(patterns, name) then
      kept[#kept + 1] = param
    end
  end
  return #kept > 0 and base .. "?" .. table.concat(kept, "&") or base
end

local function checked(what, fn, request)
  local value = fn(request)
  if value ~= nil and type(value) ~= "string" then
    error(("%sCachingSender: %s must return a string or nil, it returned %s"):format(
      core.place_of(fn), what, format.given(value)), 0)
  end
  return value
end

-- A partition stands on one line of the key, which ends where the rest begins.
local function on_one_line(partition)
  return partition and (partition:gsub("[%%\n]", { ["%"] = "%25", ["\n"] = "%0A" }))
end

--- The key and the partition of a request, each nil for the usual: its URL, and none.
---@return string? key, string? partition
function CacheKey:of(request)
  local partition = self.partition
  if type(partition) == "function" then
    partition = checked("partition", partition, request)
  end
  partition = on_one_line(partition)
  if self.key then
    return checked("key", self.key, request), partition
  elseif self.ignored then
    return without(request.url, self.ignored), partition
  end
  return nil, partition
end

--- Of a CachingSender's options; nil if they make no difference.
return function(options)
  if options.key or options.ignore_params or options.partition then
    return setmetatable({ key = options.key, partition = options.partition,
      ignored = options.ignore_params and patterns_of(options.ignore_params) }, CacheKey)
  end
end
