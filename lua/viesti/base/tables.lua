--- Small helpers on tables.
local core = require "viesti.core"

local tables = {}

--- A copy of `value` that shares no table with it. Objects (tables with a metatable) are values to
--- their owners and are not copied.
tables.copy = core.copy

local function by_text(a, b)
  return tostring(a) < tostring(b)
end

--- The keys of `map`, in an order that does not change from run to run.
function tables.sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys, by_text)
  return keys
end

--- True if `value` is a table whose keys are 1 to n; also for an empty one.
function tables.is_list(value)
  if type(value) ~= "table" then
    return false
  end
  local count = 0
  for _ in pairs(value) do
    count = count + 1
  end
  return count == #value
end

return tables
