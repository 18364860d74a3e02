--- sqlite(path) or sqlite{ path, max_size, max_bytes, max_entry_bytes, busy_timeout }: a file where
--- CachingSenders keep responses, for several processes, and for the next time the program runs.
require "viesti" -- which says where the user's lines are: nowhere in its folder
local core = require "viesti.core"
local format = require "viesti.base.format"
local native = require "viesti.stores.sqlite"
local options = require "viesti.base.options"
local purging = require "viesti.cache.purging"
local Request = require "viesti.message.request"
local warnings = require "viesti.base.warnings"

local declaration = {
  { name = "path", type = "string", required = true,
    doc = "the file, which is made if there is none, for its owner alone; beside it stand path-wal "
      .. "and path-shm" },
  { name = "max_size", type = "integer", min = 1,
    doc = "most responses kept, the least recently used goes first; no bound if not given" },
  { name = "max_bytes", type = "integer", min = 1, default = 1024 * 1024 * 1024,
    doc = "most bytes that they take, likewise" },
  { name = "max_entry_bytes", type = "integer", min = 1,
    doc = "a response that takes more is not kept; no bound but max_bytes if not given" },
  { name = "busy_timeout", type = "number", default = 5, min = 0, max = 3600,
    doc = "seconds to wait for another process that writes at the same time" },
}

---@class viesti.Sqlite: viesti.ForeignStore
---@field package file any
---@field package given table
---@field package owed table<string, boolean>
---@field package owed_count integer
---@field package noted { stale: integer, miss: integer }
local Sqlite = {}
Sqlite.__index = Sqlite
Sqlite.__name = "viesti.Sqlite"
Sqlite.takes_bounds = true -- in `put`, those of who puts something

function Sqlite:__tostring()
  return "sqlite" .. format.options(declaration, self.given)
end

-- Says that a damaged file was renamed, and, once, that the path cannot be used; requests go on as
-- misses.
local function check_file(self)
  local new_name = self.file:set_aside()
  if new_name then
    warnings.StoreWarning:emit(("%s begins its file anew; what was there, which is damaged or of "
      .. "another version, is %s now"):format(tostring(self), new_name))
  end
  local reason = not self.warned and self.file:unusable()
  if reason then
    self.warned = true
    warnings.StoreWarning:emit(("%s cannot use its file, so requests go on without it: %s")
      :format(tostring(self), reason))
  end
end

local MOST_OWED = 1000
local UNKNOWN = -1 -- no generation: what `put` is given it with is refused

-- What could not be invalidated is owed: it is not served until it is gone from the file, too.
local function owe(self, key)
  if self.owed[key] then
    return
  end
  self.owed_count = self.owed_count + 1
  if self.owed_count <= MOST_OWED then
    self.owed[key] = true
  else
    self.owed = setmetatable({ [key] = true }, { __index = function() return true end })
  end
end

local function settle(self)
  if self.owed_count <= MOST_OWED then
    for key in pairs(self.owed) do
      if not self.file:invalidate(key) then
        return
      end
      self.owed[key] = nil
    end
  elseif not self.file:clear() then
    return
  end
  self.owed, self.owed_count = {}, 0
end

--- The entries of a key and the generation that `put` wants back.
---@param key string
---@return string[] entries, integer generation
function Sqlite:get(key)
  if self.owed_count > 0 and self.owed[key] then
    return {}, UNKNOWN
  end
  local entries, generation = self.file:get(key)
  if not entries[1] then
    check_file(self)
  end
  return entries, generation
end

---@class viesti.PutChoices
---@field seconds number? for which the entry is of use
---@field tags string[]? to purge it by
---@field generation any what `get` has returned
---@field body string? the body that stands apart from it
---@field max_size integer? the bounds of who puts it, beside the store's
---@field max_bytes integer?
---@field max_entry_bytes integer?

--- Replaces the entry of a variant, unless the key was invalidated since that generation.
---@param key string
---@param variant string
---@param entry string
---@param choices viesti.PutChoices?
---@return boolean kept
function Sqlite:put(key, variant, entry, choices)
  choices = choices or {}
  if self.owed_count > 0 then
    settle(self)
  end
  local kept = self.file:put(key, variant, entry, choices.seconds, choices.tags,
    choices.generation, math.tointeger(choices.body), choices.max_size, choices.max_bytes,
    choices.max_entry_bytes)
  check_file(self)
  return kept
end

--- Begins a body that stands apart from its entry, of that many bytes if they are known. Returns
--- what to call it by; nil where that cannot be done.
---@param expected integer?
---@return string? body
function Sqlite:begin_body(expected)
  local body = self.file:begin_body(expected)
  if not body then
    check_file(self)
  end
  return body and tostring(body)
end

--- Writes one more piece of it, which nobody sees until an entry is put with that body. False where
--- there is no room: it is dropped then.
---@param body string
---@param number integer from 1 on
---@param bytes string
---@return boolean written
function Sqlite:write_body(body, number, bytes)
  local written = self.file:write_body(math.tointeger(body) or 0, number, bytes)
  if not written then
    check_file(self)
  end
  return written
end

--- A piece of the body that an entry has; nil: the entry was dropped or replaced meanwhile.
---@param body string
---@param number integer
---@return string? bytes
function Sqlite:read_body(body, number)
  return self.file:read_body(math.tointeger(body) or 0, number)
end

--- Forgets a body that is not to be put after all, or is damaged, and the entry that has it.
---@param body string
function Sqlite:drop_body(body)
  self.file:drop_body(math.tointeger(body) or 0)
end

--- Forgets one variant of a key.
---@param key string
---@param variant string
function Sqlite:remove(key, variant)
  self.file:remove(key, variant)
end

--- Forgets all variants of a key, also those that are under way.
---@param key string
---@return true? done, string? reason
function Sqlite:invalidate(key)
  local done, reason = self.file:invalidate(key)
  if not done and not self.closed then
    owe(self, key)
    check_file(self)
  end
  return done, reason
end

-- What users call says that it does nothing.
local function open_file(self)
  if self.closed then
    error(core.place() .. "sqlite: the store is closed", 0)
  end
  return self.file
end

--- Forgets every response, and gives the room in the file back; or nil and why not.
---@return true? done, string? reason
function Sqlite:clear()
  return open_file(self):clear()
end

--- Forgets the responses of a URL, all variants of it; or nil and why not.
---@param url string
---@return true? done, string? reason
function Sqlite:delete(url)
  open_file(self)
  return self:invalidate(Request.from { url = url }.url)
end

--- Forgets the responses with a tag, `{ tag = "..." }`, or those whose URL begins with a prefix,
--- `{ prefix = "https://..." }`. Returns how many, or nil and why not.
---@param which { tag: string?, prefix: string? }
---@return integer? count, string? reason
function Sqlite:purge(which)
  local kind, text = purging.read(which, "sqlite")
  if kind == "tag" then
    return open_file(self):purge_tag(text)
  end
  return open_file(self):purge_prefix(text)
end

--- How many responses the file has.
---@return integer
function Sqlite:count()
  return (open_file(self):totals())
end

--- How many bytes they take.
---@return integer
function Sqlite:bytes()
  return (select(2, open_file(self):totals()))
end

---@class viesti.StoredEntry
---@field key string
---@field bytes integer
---@field expires number when it is dropped, in seconds since 1970

--- Calls `visit(entry)` for every response that the file has, one after the other, until that
--- returns false; or returns nil and why the file cannot be read.
---@param visit fun(entry: viesti.StoredEntry): false?
---@return true? done, string? reason
function Sqlite:each(visit)
  local file, number = open_file(self), 0
  while true do
    local found, key, bytes, expires = file:next(number)
    if found == nil then
      return nil, key
    elseif not found or visit { key = key, bytes = bytes, expires = expires } == false then
      return true
    end
    number = found
  end
end

--- Counts what a CachingSender says of what `get` has found: "stale", it has to be validated first;
--- "miss", none of it fits the request.
---@param event "stale"|"miss"
function Sqlite:note(event)
  self.noted[event] = self.noted[event] + 1
end

---@class viesti.SqliteStats
---@field hits integer of this object, as are those below
---@field misses integer
---@field stale integer what was there and had to be validated first
---@field stores integer
---@field evictions integer what was over its time included
---@field invalidations integer
---@field errors integer what could not be done
---@field last_error string? why
---@field count integer stored responses in the file
---@field bytes integer that they take

--- What this object has done, and what the file has.
---@return viesti.SqliteStats
function Sqlite:stats()
  local count, bytes = self.file:totals()
  local stats, noted = self.file:stats(), self.noted
  stats.hits = stats.hits - noted.stale - noted.miss
  stats.misses, stats.stale = stats.misses + noted.miss, noted.stale
  stats.count, stats.bytes = count, bytes
  return stats
end

--- Closes the file. A chain that still has the store goes without.
function Sqlite:close()
  self.closed = true
  self.file:close()
end

Sqlite.__close = Sqlite.close

local function check_path(path)
  if path == "" or path:find "\0" then
    return "must be the name of a file"
  elseif path == ":memory:" then
    return "is ':memory:'; a Store keeps responses in memory"
  end
end

local function open(values)
  local wrong = check_path(values.path)
  if wrong then
    return nil, "path " .. wrong
  end
  local file
  file, wrong = native.open(values.path, values.max_size, values.max_bytes, values.max_entry_bytes,
    values.busy_timeout)
  return file, wrong and ("path %s %s"):format(format.value(values.path), wrong)
end

local function new(_, ...)
  local values, given = options.read("sqlite", declaration, ...)
  if not values then
    error(core.place() .. given, 0)
  end
  local file, wrong = open(values)
  if not file then
    error(core.place() .. "sqlite: " .. wrong, 0)
  end
  local self = setmetatable({ file = file, given = given, owed = {}, owed_count = 0,
    noted = { stale = 0, miss = 0 } }, Sqlite)
  check_file(self)
  return self
end

return setmetatable({ name = "sqlite", options = declaration }, {
  __call = new,
  __tostring = function() return "sqlite" end,
})
