--- redis{ url, ... }: a store on a Redis server, one cache for many machines. A server that is
--- lost, slow or hung costs hits and at most `timeout` seconds, never a request.
require "viesti" -- which says where the user's lines are: nowhere in its folder
local core = require "viesti.core"
local format = require "viesti.base.format"
local new_client = require "viesti.redis.client"
local new_names = require "viesti.redis.names"
local options = require "viesti.base.options"
local place = require "viesti.redis.place"
local purging = require "viesti.cache.purging"
local Request = require "viesti.message.request"
local tables = require "viesti.base.tables"
local upkeep = require "viesti.redis.upkeep"
local warnings = require "viesti.base.warnings"
local wire = require "viesti.stores.redis"

local declaration = table.move(place.options, 1, #place.options, 1, {})
table.move({
  { name = "walk_timeout", type = "number", default = 60, min = 0.001,
    doc = "seconds that what goes through all keys may take in all: clear, purge, each, count, "
      .. "bytes" },
  { name = "max_entry_bytes", type = "integer", default = 8 * 1024 * 1024, min = 1,
    doc = "a response that holds more is not kept" },
  { name = "lease", type = "number", default = 0, min = 0,
    doc = "seconds for which one machine may fetch what is missing while the others wait for it; "
      .. "0: nobody waits" },
}, 1, 3, #declaration + 1, declaration)

local MOST_VARIANTS = 16
-- Seconds: between warnings, and the longest that anything is kept.
local QUIET, LONGEST = 60, 10 * 365 * 86400
local MILLISECONDS = 1000
local EPOCH = 24 -- letters of a marker

---@class viesti.Redis: viesti.ForeignStore
---@field lease_seconds number
local Redis = {}
Redis.__index = Redis
Redis.__name = "viesti.Redis"

local function milliseconds(seconds)
  return ("%.0f"):format(math.max(1, math.min(seconds, LONGEST) * MILLISECONDS))
end

-- Counts what could not be done, and says so now and then.
local function failed(self, what, reason)
  if self.client.closed then
    return
  end
  self.counts.errors = self.counts.errors + 1
  if not self.warned or core.now() - self.warned >= QUIET then
    self.warned = core.now()
    warnings.StoreWarning:emit(("%s of %s failed, so requests go on without it: %s"):format(
      what, tostring(self), reason))
  end
end

local function count(self, name)
  self.counts[name] = self.counts[name] + 1
end

-- The entries and the word of a hash, or nil if it is none of ours.
local function read_hash(fields, epoch)
  if type(fields) ~= "table" or fields.err or #fields % 2 ~= 0 then
    return nil
  end
  local entries, word, believed = {}, "", false
  for index = 1, #fields, 2 do
    local name, value = fields[index], fields[index + 1]
    if type(name) ~= "string" or type(value) ~= "string" then
      return nil
    elseif name == "g" then
      word = value
    elseif name == "e" then
      believed = value == epoch
    elseif name:byte() == 118 then -- v
      entries[#entries + 1] = value
    end
  end
  return believed and entries or {}, word
end

-- The entries and the generation in what a server replies; or nil and what is wrong with it.
local function read_found(self, marker, fields)
  if marker == false then
    self.client:post("mark", { self.names.marker }, { wire.token() .. wire.token() })
    return nil, "the server has lost its marker, and what it had is not believed"
  end
  local entries, word
  if type(marker) == "string" then
    entries, word = read_hash(fields, marker:sub(1, EPOCH))
  end
  if not entries then
    local bad = type(marker) == "table" and marker or fields
    return nil, type(bad) == "table" and bad.err or "the server's reply is not what it should be"
  end
  return entries, { marker = marker, word = word, at = core.now() }
end

--- The entries of a key, and what `put` wants back. The second is false where that is not known.
---@param key string
---@return string[] entries, table|false generation
function Redis:get(key)
  if self.client:still_owes(key) then
    count(self, "misses")
    failed(self, "get", "the server has not dropped yet what was invalidated")
    return {}, false
  end
  local replies, reason = self.client:ask(
    self.asks_marker .. wire.command("HGETALL", self.names:hash(key)), 2)
  local entries, generation
  if replies then
    entries, generation = read_found(self, replies[1], replies[2])
  end
  if not entries then
    count(self, "misses")
    failed(self, "get", reason or generation)
    return {}, false
  end
  count(self, entries[1] and "hits" or "misses")
  return entries, generation
end

--- Keeps the entry of a variant, in place of an older one, unless the key was invalidated, or
--- anything purged, since the generation was read.
---@param key string
---@param variant string
---@param entry string
---@param choices { seconds: number, tags?: string[], generation?: table|false }
---@return boolean kept
function Redis:put(key, variant, entry, choices)
  local seen = choices.generation
  if seen == false or seen and core.now() - seen.at >= self.client.remembered then
    return false
  elseif #entry > self.max_entry_bytes or choices.seconds <= 0 then
    self:remove(key, variant)
    return false
  end
  local keys = { self.names:hash(key), self.names.marker, self.names:lease(key) }
  for _, tag in ipairs(choices.tags or {}) do
    keys[#keys + 1] = self.names:set(tag)
  end
  local member = ("%d:%s%s"):format(#key, key, variant)
  local stored, reason = self.client:run("put", keys, { seen and "1" or "0",
    seen and seen.marker or "", seen and seen.word or "", variant, entry,
    milliseconds(choices.seconds), tostring(MOST_VARIANTS), member })
  if not stored then
    failed(self, "put", reason)
    return false
  end
  self.words[key] = nil -- its lease is over
  if stored == 1 then
    count(self, "stores")
  end
  return stored == 1
end

--- Drops one variant.
---@param key string
---@param variant string
function Redis:remove(key, variant)
  local done, reason = self.client:run("remove", { self.names:hash(key), self.names:lease(key) },
    { variant })
  if not done then
    failed(self, "remove", reason)
    return
  end
  self.words[key] = nil
end

--- Drops all variants, on all machines; what is being fetched for them just now is not kept. While
--- the server cannot be reached this is remembered, and done first of all when it can.
---@param key string
---@return true? done, string? reason
function Redis:invalidate(key)
  local done, reason = self.client:invalidate(key)
  if not done then
    failed(self, "invalidate", reason)
    return nil, reason
  end
  self.words[key] = nil
  count(self, "invalidations")
  return true
end

local function check_open(self, what)
  if self.client.closed then
    error(("%sredis: %s: the store is closed"):format(core.place(), what), 0)
  end
end

-- Does what a user calls for; nil and a reason where the server does not.
local function demand(self, what, work, ...)
  check_open(self, what)
  local done, reason = work(self.client, self.names, core.now() + self.walk_timeout, ...)
  if not done then
    failed(self, what, reason)
    return nil, reason
  end
  return done
end

--- Forgets every response under the store's key_prefix, on all machines; or nil and why that has to
--- wait until the server can be reached, or did not give back all the room.
---@return true? done, string? reason
function Redis:clear()
  return demand(self, "clear", upkeep.clear)
end

--- Forgets the responses of a URL, all variants of it; or nil and why that has to wait.
---@param url string
---@return true? done, string? reason
function Redis:delete(url)
  check_open(self, "delete")
  return self:invalidate(Request.from { url = url }.url)
end

--- How many responses there are; 0 if that is not to be known. The server is asked for all keys, a
--- batch at a time.
---@return integer
function Redis:count()
  return (demand(self, "count", upkeep.weigh) or { 0, 0 })[1]
end

--- How many bytes they and their names hold, found out likewise.
---@return integer
function Redis:bytes()
  return (demand(self, "bytes", upkeep.weigh) or { 0, 0 })[2]
end

--- Calls `visit(entry)` for every response there is, with its `key`, its `bytes`, and when it
--- `expires`, in seconds since 1970, until that returns false; one that changes meanwhile may come
--- twice. Or returns nil and why that could not be done, or not to its end.
---@param visit fun(entry: viesti.StoredEntry): false?
---@return true? done, string? reason
function Redis:each(visit)
  return demand(self, "each", upkeep.each, visit)
end

--- Counts what a CachingSender says of what `get` has found: "stale", it has to be validated first;
--- "miss", none of it fits the request.
---@param event "stale"|"miss"
function Redis:note(event)
  self.counts.hits = self.counts.hits - 1
  count(self, event == "miss" and "misses" or event)
end

--- What this object has done: `hits`, `misses`, `stale` (it had to be validated first), `stores`,
--- `invalidations`, and `errors`, all that was left out; and of the whole server `evictions`, keys
--- that it dropped for want of memory, and `bytes`, the memory that it has in use. Those are 0
--- where it does not tell.
---@return table<string, integer>
function Redis:stats()
  local stats = tables.copy(self.counts)
  local info = self.client:command "INFO"
  info = type(info) == "string" and info or ""
  stats.evictions = math.tointeger(info:match "\nevicted_keys:(%d+)") or 0
  stats.bytes = math.tointeger(info:match "\nused_memory:(%d+)") or 0
  return stats
end

--- Forgets the responses that have a tag, or whose URLs begin so, on all machines. Returns how many
--- there were; or nil and why not.
---@param given { tag: string }|{ prefix: string }
---@return integer? count, string? reason
function Redis:purge(given)
  return demand(self, "purge", upkeep.purge, purging.read(given, "redis"))
end

--- Asks for the right to fetch what is missing: true if the caller is to do so, false if somebody
--- else is at it. It ends with a put, remove or invalidate of the key, `release`, or after so many
--- seconds.
---@param key string
---@param seconds? number
---@return boolean
function Redis:lease(key, seconds)
  local word = wire.token()
  local reply, reason = self.client:command("SET", self.names:lease(key), word, "NX", "PX",
    milliseconds(seconds or self.lease_seconds))
  if reply == nil then
    failed(self, "lease", reason)
  elseif reply then
    self.words[key] = word
  end
  return reply ~= false
end

--- Gives that right back, without waiting.
---@param key string
function Redis:release(key)
  local word = self.words[key]
  if word then
    self.words[key] = nil
    self.client:post("release", { self.names:lease(key) }, { word })
  end
end

--- Closes the connection; after that nothing is found or kept.
function Redis:close()
  self.client:close()
end

Redis.__close = Redis.close

function Redis:__tostring()
  return "redis" .. format.options(declaration, self.shown)
end

--- A store on a Redis server. Nothing is sent before it is needed.
---@param ... any options, or a URL
---@return viesti.Redis
return function(...)
  local values, given = options.read("redis", declaration, ...)
  if not values then
    error(core.place() .. given, 0)
  end
  local names = new_names(values.key_prefix)
  local there, wrong = place.read(values,
    wire.command("SET", names.marker, wire.token() .. wire.token(), "NX"))
  if not there then
    error(core.place() .. "redis: " .. wrong, 0)
  end
  local self = setmetatable({
    names = names, max_entry_bytes = values.max_entry_bytes,
    lease_seconds = values.lease, shown = tables.copy(given), words = {},
    counts = { hits = 0, misses = 0, stale = 0, stores = 0, invalidations = 0, errors = 0 },
    walk_timeout = values.walk_timeout,
  }, Redis)
  self.shown.url = given.url and format.url(given.url)
  self.client = new_client(there, self.names)
  self.asks_marker = wire.command("GET", self.names.marker)
  return self
end
