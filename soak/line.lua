-- What a process that is soaked prints, for whoever started it: a word that says what the line is,
-- and values. The C host prints the same.
--
--   report requests=50000 seconds=9.1 cached=... 200=41000 timeout=12 ...   every so often
--   case outcome=200 count=4711 label=GET page                              at the end
--   wire name=page attempts=4711 answered=4700                              at the end
--   end descriptors_before=9 descriptors_after=9 lost=0 repeated=0

local tables = require "viesti.base.tables"

local line = {}

function line.print(kind, first, rest)
  local words = { kind }
  for index = 1, #first, 2 do
    words[#words + 1] = ("%s=%s"):format(first[index], first[index + 1])
  end
  for _, name in ipairs(rest and tables.sorted_keys(rest) or {}) do
    words[#words + 1] = ("%s=%s"):format(name, rest[name])
  end
  print(table.concat(words, " "))
  io.stdout:flush()
end

-- The kind of line, and its values by name; what looks like a number is one.
function line.parse(text)
  local kind, rest = text:match "^(%l+) (.*)"
  local values = {}
  local label = rest and rest:match "label=(.*)"
  for name, value in (rest or ""):gsub("label=.*", ""):gmatch "([%w_]+)=(%S+)" do
    values[name] = tonumber(value) or value
  end
  values.label = label
  return kind, values
end

return line
