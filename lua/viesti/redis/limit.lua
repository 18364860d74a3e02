--- RedisLimit{ url, rate, per, burst, ... }: a RateLimit that holds over many machines, whose
--- tokens are on a Redis server. Where the server is lost, each machine keeps to the same limit by
--- itself: no request fails for that.
require "viesti" -- which says where the user's lines are: nowhere in its folder
local core = require "viesti.core"
local format = require "viesti.base.format"
local new_client = require "viesti.redis.client"
local new_names = require "viesti.redis.names"
local number_text = require "viesti.base.number_text"
local place = require "viesti.redis.place"
local RateLimit = require "viesti.limits.rate_limit"
local warnings = require "viesti.base.warnings"

local MICROSECONDS = 1e6
local QUIET = 60                -- seconds between warnings
local LONGEST = 10 * 365 * 86400 -- seconds for which anything is kept there

---@class viesti.RedisLimit: viesti.RateLimit
---@field key_prefix string
local RedisLimit = RateLimit:extend("RedisLimit", place.options)

function RedisLimit:init()
  RedisLimit.super.init(self)
  local there, wrong = place.read(self)
  if not there then
    error(core.place() .. "RedisLimit: " .. wrong, 0)
  end
  self.client, self.errors = new_client(there, new_names(self.key_prefix)), 0
  self._given.url = self.url and format.url(self.url)
  self.url = self._given.url
end

local function microseconds(seconds)
  return number_text(math.min(seconds, LONGEST) * MICROSECONDS)
end

local function failed(self, reason)
  self.errors = self.errors + 1
  if not self.warned or core.now() - self.warned >= QUIET then
    self.warned = core.now()
    warnings.StoreWarning:emit(("%s keeps to the limit by itself: %s"):format(tostring(self),
      reason))
  end
end

-- As TokenBucket:take; where this machine alone has no token yet, the server is not asked.
local function take(self, bucket, now)
  local moment = bucket:empty_until(now)
  if moment then
    return moment
  end
  local wait, reason = self.client:run("take_token", { self.key_prefix .. "r:" .. bucket.key },
    { microseconds(self.interval), microseconds((self.burst - 1) * self.interval) })
  if math.type(wait) ~= "integer" then
    if not self.client.closed then
      failed(self, reason or "the server's reply is not what it should be")
    end
    moment = bucket:empty_until(now)
    return moment or bucket:charge(now)
  elseif wait <= 0 then
    return bucket:charge(now)
  end
  self.postpone(bucket, now + wait / MICROSECONDS, now)
  return bucket.next_at
end

function RedisLimit:new_bucket(key)
  local bucket = RedisLimit.super.new_bucket(self, key)
  function bucket.take(_, now)
    return take(self, bucket, now)
  end
  return bucket
end

--- Lets nobody pass for so many seconds, on all machines.
---@param key string
---@param seconds number
---@param now number
---@return viesti.TokenBucket bucket
function RedisLimit:hold(key, seconds, now)
  local bucket = RedisLimit.super.hold(self, key, seconds, now)
  self.client:post("hold_tokens", { self.key_prefix .. "r:" .. bucket.key },
    { microseconds(seconds), microseconds((self.burst - 1) * self.interval) })
end

--- As a RateLimit's, of this object alone, and `errors`: how often the server was done without.
---@return table<string, integer>
function RedisLimit:stats()
  local stats = RedisLimit.super.stats(self)
  stats.errors = self.errors
  return stats
end

--- Ends the connection; each machine keeps to the limit by itself then.
function RedisLimit:close()
  self.client:close()
end

RedisLimit.__close = RedisLimit.close

return RedisLimit
