--- redis{ url, ... }: a store on a Redis server, one cache for many machines. A server that is
--- lost, slow or hung costs hits and at most `timeout` seconds, never a request.
local address = require "viesti.redis.address"
local core = require "viesti.core"
local format = require "viesti.format"
local new_client = require "viesti.redis.client"
local new_names = require "viesti.redis.names"
local options = require "viesti.options"
local place = require "viesti.redis.place"
local purging = require "viesti.purging"
local Request = require "viesti.request"
local tables = require "viesti.tables"
local upkeep = require "viesti.redis.upkeep"
local warnings = require "viesti.warnings"
local wire = require "viesti.stores.redis"

local declaration = table.move(place.options, 1, #place.options, 1, {})
table.move({
  { name = "max_entry_bytes", type = "integer", default = 8 * 1024 * 1024, min = 1,
    doc = "a response that holds more is not kept" },
  { name = "lease", type = "number", default = 0, min = 0,
    doc = "seconds for which one machine may fetch what is missing while the others wait for it; "
      .. "0: nobody waits" },
}, 1, 2, #declaration + 1, declaration)

local MOST_VARIANTS = 16
-- Seconds: of an invalidation's memory, between warnings, and the longest that anything is kept.
local REMEMBERED, QUIET, LONGEST = 3600, 60, 10 * 365 * 86400
local MILLISECONDS = 1000

---@class viesti.Redis
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
    warnings.StoreWarning:emit(("%s of %s failed, which costs no more than hits: %s"):format(
      what, tostring(self), reason))
  end
end

local function count(self, name)
  self.counts[name] = self.counts[name] + 1
end

-- The entries and the word of a hash, or nil if it is none of ours.
local function read_hash(fields)
  if type(fields) ~= "table" or fields.err or #fields % 2 ~= 0 then
    return nil
  end
  local entries, word = {}, ""
  for index = 1, #fields, 2 do
    local name, value = fields[index], fields[index + 1]
    if type(name) ~= "string" or type(value) ~= "string" then
      return nil
    elseif name == "g" then
      word = value
    elseif name:byte() == 118 then -- v
      entries[#entries + 1] = value
    end
  end
  return entries, word
end

--- The entries of a key, and what `put` wants back. The second is false where that is not known.
---@param key string
---@return string[] entries, table|false generation
function Redis:get(key)
  if self.client:still_owes(self.names:hash(key)) then
    count(self, "misses")
    failed(self, "get", "the server has not dropped yet what was invalidated")
    return {}, false
  end
  local replies, reason = self.client:ask {
    { "GET", self.names.marker }, { "HGETALL", self.names:hash(key) },
  }
  local marker = replies and replies[1]
  local entries, word
  if replies and (marker == false or type(marker) == "string") then
    entries, word = read_hash(replies[2])
  end
  if not entries then
    local bad = replies and (type(marker) == "table" and marker or replies[2])
    count(self, "misses")
    failed(self, "get", reason or type(bad) == "table" and bad.err
      or "the server's reply is not what it should be")
    return {}, false
  end
  count(self, entries[1] and "hits" or "misses")
  return entries, { marker = marker or "", word = word, at = core.now() }
end

--- Keeps the entry of a variant, in place of an older one, unless the key was invalidated, or
--- anything purged, since the generation was read.
---@param key string
---@param variant string
---@param entry string
---@param choices { seconds: number, tags?: string[], generation?: table|false }
function Redis:put(key, variant, entry, choices)
  local seen = choices.generation
  if seen == false or seen and core.now() - seen.at >= REMEMBERED then
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
function Redis:invalidate(key)
  local keys, arguments = { self.names:hash(key), self.names:lease(key) },
    { wire.token(), milliseconds(REMEMBERED) }
  local done, reason = self.client:run("invalidate", keys, arguments)
  if done then
    self.words[key] = nil
    count(self, "invalidations")
    return
  end
  failed(self, "invalidate", reason)
  self.client:owe("invalidate", keys, arguments)
end

local function check_open(self, what)
  if self.client.closed then
    error(("%sredis: %s: the store is closed"):format(core.place(), what), 0)
  end
end

-- Does what a user calls for; `missing` stands for what the server does not tell.
local function demand(self, what, missing, work, ...)
  check_open(self, what)
  local done, reason = work(self.client, self.names, ...)
  if not done then
    failed(self, what, reason)
  end
  return done or missing
end

--- Forgets every response under the store's prefix, on all machines.
function Redis:clear()
  demand(self, "clear", nil, upkeep.clear)
end

--- Forgets the responses of a URL, all variants of it.
---@param url string
function Redis:delete(url)
  check_open(self, "delete")
  self:invalidate(Request.from { url = url }.url)
end

--- How many responses there are. The server is asked for all keys, a batch at a time.
---@return integer
function Redis:count()
  return demand(self, "count", { 0, 0 }, upkeep.weigh)[1]
end

--- How many bytes they and their names hold, found out likewise.
---@return integer
function Redis:bytes()
  return demand(self, "bytes", { 0, 0 }, upkeep.weigh)[2]
end

--- What this object has done: `hits`, `misses`, `stores`, `invalidations`, and `errors`, all that
--- was left out. It does not ask the server, which alone knows what it evicts.
---@return table<string, integer>
function Redis:stats()
  return tables.copy(self.counts)
end

--- Forgets the responses that have a tag, or whose URLs begin so, on all machines. Returns how many
--- there were.
---@param given { tag: string }|{ prefix: string }
---@return integer
function Redis:purge(given)
  return demand(self, "purge", 0, upkeep.purge, purging.read(given, "redis"))
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
    error(given, 2)
  end
  local there, wrong = place.read(values)
  if not there then
    error("redis: " .. wrong, 2)
  end
  local self = setmetatable({
    names = new_names(values.prefix), max_entry_bytes = values.max_entry_bytes,
    lease_seconds = values.lease, shown = tables.copy(given), words = {},
    counts = { hits = 0, misses = 0, stores = 0, invalidations = 0, errors = 0 },
  }, Redis)
  self.shown.url = given.url and address.public(given.url)
  there.greeting[#there.greeting + 1] = { "SET", self.names.marker, wire.token(), "NX" }
  self.client = new_client(there)
  return self
end
