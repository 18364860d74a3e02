-- All that takes declared options, and what the documentation says of options.
local RedisLimit = require "viesti.redis.limit"
local redis = require "viesti.redis"
local sqlite = require "viesti.sqlite"
local viesti = require "viesti"

local declarations = {}

--- The value of a local variable of its file that a function uses.
function declarations.upvalue(fn, wanted)
  for index = 1, debug.getinfo(fn, "u").nups do
    local name, value = debug.getupvalue(fn, index)
    if name == wanted then
      return value
    end
  end
  error("no " .. wanted)
end

--- The classes, and what is called like them: by the names that they have in the stubs.
function declarations.classes()
  local found = { RedisLimit = RedisLimit, sqlite = sqlite }
  for name, value in pairs(viesti) do
    if type(value) == "table" and value.options then
      found[value.name or name] = value
    end
  end
  return found
end

--- The least options that an object of each class needs; a Har's path is a file to be removed.
function declarations.needed()
  local recording = os.tmpname()
  os.remove(recording)
  return {
    AuthenticatingSender = { bearer = "x" },
    FailoverSender = { origins = { "http://a.example" } },
    HedgingSender = { delay = 1 }, DeadlineSender = { max_time = 1 },
    ConcurrencyLimitingSender = { limit = 1 }, ConcurrencyLimit = { limit = 1 },
    RateLimitingSender = { rate = 1 }, RateLimit = { rate = 1 }, RedisLimit = { rate = 1 },
    TracingSender = { on_event = function() end }, CachingSender = { store = viesti.Store() },
    RecordingSender = { path = recording .. ".none" }, Har = { path = os.tmpname() },
  }
end

--- The options of each of them and of each function that has some: lists, by name.
function declarations.lists()
  local upvalue, lists = declarations.upvalue, {}
  for name, Class in pairs(declarations.classes()) do
    lists[name] = Class.options
  end
  lists.download = require("viesti.downloads.download").options
  lists.redis = upvalue(redis, "declaration")
  lists.map = upvalue(viesti.map, "map_options")
  lists.load = upvalue(viesti.load, "CHOICES")
  lists.check = upvalue(viesti.check, "CHOICES")
  lists["testing.clock"] = upvalue(viesti.testing.clock, "declaration")
  return lists
end

--- Calls a function with each option of a list, those in tables of options included, and its whole
--- name, as in "backoff.base".
function declarations.each(list, call, prefix)
  for _, spec in ipairs(list) do
    call(spec, (prefix or "") .. spec.name)
    declarations.each(spec.fields or {}, call, spec.name .. ".")
  end
end

--- The options of that name, whole or last part, in some of the lists.
function declarations.named(lists, names, wanted)
  local found = {}
  for _, name in ipairs(names) do
    declarations.each(assert(lists[name], name), function(spec, whole)
      if spec.name == wanted or whole == wanted then
        found[#found + 1] = spec
      end
    end)
  end
  return found
end

local UNITS = { KiB = 1024, MiB = 1024 ^ 2, GiB = 1024 ^ 3 }

--- The value that a text begins with: `64 MiB`, `60 s in all`, `"full"`, `true`; nil for none.
function declarations.value(text)
  text = text:gsub("`", "")
  local number, unit = text:match "^(%d+%.?%d*)%f[^%w.] ?(%a*)"
  if number then
    return tonumber(number) * (UNITS[unit] or 1)
  end
  local word = text:match '^"([^"]*)"' or text:match "^%a+"
  if text:find '^"' then
    return word
  elseif word == "true" or word == "false" then
    return word == "true"
  end
end

-- The cells of a row, without the bars that are escaped.
local function cells_of(row)
  local cells = {}
  for cell in row:gsub("\\|", "\0"):gmatch "|([^|]*)%f[|]" do
    cells[#cells + 1] = cell:match "^%s*(.-)%s*$"
  end
  return cells
end

--- The tables of a page: { head = cells, rows of cells }.
function declarations.tables(text)
  local list, current = {}, nil
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    if line:find "^|%-" then
      current.is_open = true
    elseif line:find "^|" and current then
      current[#current + 1] = cells_of(line)
    elseif line:find "^|" then
      current = { head = cells_of(line) }
      list[#list + 1] = current
    else
      current = nil
    end
  end
  return list
end

--- The text without the examples in it.
function declarations.prose(text)
  return (text:gsub("\n```.-\n```", "\n"))
end

--- What stands between backquotes in a text, piece by piece.
function declarations.codes(text)
  return declarations.prose(text):gsub("\n", " "):gmatch "`([^`]+)`"
end

-- The parts of a list between commas; those in brackets are not taken apart.
local function parts_of(text)
  local list = {}
  text = text:gsub("%b{}", function(inner) return (inner:gsub(",", "\0")) end)
  for part in text:gmatch "[^,]+" do
    list[#list + 1] = part:match "^%s*(.-)%s*$"
  end
  return list
end

--- The calls in a piece of code: of each what is called, its bracket, and a list of { name =, value
--- = } or, where there is no `name = value`, { text = }.
function declarations.calls(code)
  local list = {}
  for name, inner in code:gmatch "(%a[%w_]*) ?(%b{})" do
    list[#list + 1] = { name = name, bracket = "{", inner = inner }
  end
  for name, inner in code:gmatch "(%a[%w_]*)(%b())" do
    list[#list + 1] = { name = name, bracket = "(", inner = inner }
  end
  for _, call in ipairs(list) do
    for index, part in ipairs(parts_of(call.inner:sub(2, -2))) do
      local name, value = part:match "^([%a_][%w_]*) = (.*)$"
      call[index] = { name = name, value = value, text = part }
    end
  end
  return list
end

return declarations
