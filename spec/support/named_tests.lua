-- The tests of a spec by the text that they are written with, and the table rows that name them.
--
--   named_tests.in_file("spec/json_spec.lua")["reads null as nil"]    how many there are so called
--   named_tests.named_by(row)                                         { file, text }, or nil
--
-- What names a test ends a row of a table: `json_spec.lua`: "reads null as nil". Of a text that is
-- put together, the first literal is what it is called by.

local named_tests = {}

local MAKERS = { "it", "promise", "IT" }

-- The literal that begins there, as its language has it.
local function literal(text, from)
  local at = from + 1
  while text:sub(at, at) ~= text:sub(from, from) do
    at = at + (text:sub(at, at) == "\\" and 2 or 1)
  end
  return load("return " .. text:sub(from, at))()
end

function named_tests.in_file(path)
  local file <close> = assert(io.open(path))
  local text = file:read "a"
  local counts = {}
  for _, maker in ipairs(MAKERS) do
    for quote in text:gmatch("%f[%w_]" .. maker .. "[%s%(]+()[\"']") do
      local name = literal(text, quote)
      counts[name] = (counts[name] or 0) + 1
    end
  end
  return counts
end

function named_tests.named_by(row)
  local file, text = row:match '`([%w_/]+%.%l+)`: "(.*)" |$'
  return file and { file = file, text = text }
end

return named_tests
