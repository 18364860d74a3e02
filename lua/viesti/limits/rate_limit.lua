--- RateLimit(rate, per, burst): at most `rate` requests in `per` seconds, for each key, in the
--- order in which they come. Several chains may share one.
---
--- `burst` of them may go at once when nothing went for a while; so in any stretch of t seconds it
--- is never more than burst + t * rate / per.
local core = require "viesti.core"
local format = require "viesti.base.format"
local new_bucket = require "viesti.limits.token_bucket"
local new_turns = require "viesti.limits.turns"
local number_text = require "viesti.base.number_text"
local Request = require "viesti.message.request"
local Shared = require "viesti.base.shared"

---@class viesti.RateLimit: viesti.Shared
---@field rate number
---@field per number
---@field burst integer
---@field queue integer
---@field cooldown viesti.Cooldown|false
local RateLimit = Shared:extend("RateLimit", {
  { name = "rate", type = "number", required = true, min = 0.001, max = 1e9,
    doc = "how many requests may go" },
  { name = "per", type = "number", default = 1, min = 0.001, max = 1e9,
    doc = "in so many seconds" },
  { name = "burst", type = "integer", default = 1, min = 1, max = 1000000000,
    doc = "how many may go at once when none went for a while" },
  { name = "queue", type = "integer", default = 1000, min = 0,
    doc = "how many may wait; for each key" },
  { name = "cooldown", type = "Cooldown",
    doc = "keeps who is held back by a 429, for other layers that are to know, or are known here" },
  { name = "max_keys", type = "integer", default = 1024, min = 1,
    doc = "how many keys are told apart; those beyond have one limit together, until one of the "
      .. "others was not used for so long that it is as good as new" },
})

function RateLimit:init()
  self.interval = self.per / self.rate
  self.cooldown = self.cooldown or false
  self.buckets, self.count, self.sweep_at = {}, 0, -math.huge
  self.admitted, self.waited, self.refused, self.held = 0, 0, 0, 0
end

local function forget_idle(self, now)
  local soonest = math.huge
  for key, bucket in pairs(self.buckets) do
    local idle_at = bucket:idle_at()
    if idle_at <= now and bucket.turns:count() == 0 and bucket.in_flight == 0 then
      self.buckets[key] = nil
      self.count = self.count - 1
    else
      soonest = math.min(soonest, idle_at)
    end
  end
  self.sweep_at = math.max(soonest, now + self.interval)
end

--- The bucket of a key.
---@param key string
---@return viesti.TokenBucket
function RateLimit:new_bucket(key)
  local bucket = new_bucket(self.interval, self.burst)
  bucket.key, bucket.turns = key, new_turns()
  return bucket
end

local function bucket_of(self, key, now)
  local bucket = self.buckets[key]
  if bucket then
    return bucket
  elseif self.count >= self.max_keys and now >= self.sweep_at then
    forget_idle(self, now)
  end
  if self.count >= self.max_keys then
    self.others = self.others or self:new_bucket "others"
    return self.others
  end
  bucket = self:new_bucket(key)
  self.buckets[key] = bucket
  self.count = self.count + 1
  return bucket
end

-- The turns of those in line come later than they were told: who cannot wait so long need not wait
-- at all. The first one sleeps, and sees for himself.
local function review(bucket, now)
  local first = bucket.turns.waiting.first
  local place, ahead = first and first.behind, 1
  while place do
    local behind, moment = place.behind, bucket:estimate(now, ahead)
    if moment > place.latest or moment >= place.deadline then
      place:dismiss(moment)
    else
      ahead = ahead + 1
    end
    place = behind
  end
end

--- Nobody gets a token of the bucket before that moment.
---@param bucket viesti.TokenBucket
---@param moment number
---@param now number
function RateLimit.postpone(bucket, moment, now)
  if moment > bucket.held then
    bucket:hold(moment)
    review(bucket, now)
  end
end

-- What was begun in a cooldown by others holds here, too.
local function heed_cooldown(self, bucket, now)
  local wait = self.cooldown:remaining(bucket.key, now)
  if wait > 0 then
    RateLimit.postpone(bucket, now + wait, now)
  end
end

local function refusal(self, request, sentence, moment, now)
  self.refused = self.refused + 1
  local err = core.error("rate_limited", ("%s (the limit is %s in %s s)"):format(
    sentence, number_text(self.rate), number_text(self.per)), Request.from(request))
  err.retry_at, err.retry_after = moment, moment - now
  return err
end

-- `latest`: when it has waited for as long as it may; what does not fit otherwise is its deadline.
local function too_long(self, request, moment, latest, now)
  return refusal(self, request, ("its turn would come in %s, later than its %s"):format(
    format.seconds(moment - now), moment > latest and "max_wait" or "deadline"), moment, now)
end

-- Nobody else may wait.
local function no_room(self, request, waiting, moment, now)
  return refusal(self, request, waiting == 0 and "it would have to wait, and the queue is of 0"
    or ("%d requests are waiting already"):format(waiting), moment, now)
end

-- Until the first in line has a token. Returns why he does without, if he does.
local function await_token(self, place, bucket, sender, request)
  while true do
    local now = sender:now()
    if self.cooldown then
      heed_cooldown(self, bucket, now)
    end
    local again = bucket:take(now)
    if not again then
      return nil
    end
    local moment = bucket:estimate(now, 0)
    if moment > place.latest or moment >= place.deadline then
      return too_long(self, request, moment, place.latest, now)
    end
    sender:sleep(again - now)
  end
end

local function stand_in_line(self, bucket, sender, request, max_wait, now)
  local waiting, latest = bucket.turns:count(), now + max_wait
  local moment = bucket:estimate(now, waiting)
  if waiting >= self.queue then
    return no_room(self, request, waiting, moment, now)
  elseif moment > latest or moment >= (request.deadline or math.huge) then
    return too_long(self, request, moment, latest, now)
  end
  self.waited = self.waited + 1
  local place <close> = bucket.turns:join()
  place.latest, place.deadline = latest, request.deadline or math.huge
  place:await()
  if place.dismissed then
    return too_long(self, request, place.dismissed, latest, sender:now())
  end
  return await_token(self, place, bucket, sender, request)
end

--- Lets a request pass when its turn has come, or at once says that it would take too long.
---@param key string
---@param sender viesti.Sender by which it waits
---@param request viesti.Request|viesti.Request.Options
---@param max_wait number seconds
---@param now number
---@return viesti.TokenBucket? bucket, viesti.Error? err
function RateLimit:admit(key, sender, request, max_wait, now)
  local bucket = self.buckets[key] or bucket_of(self, key, now)
  if self.cooldown then
    heed_cooldown(self, bucket, now)
  end
  if bucket.turns.waiting.first or bucket:take(now) then
    local err = stand_in_line(self, bucket, sender, request, max_wait, now)
    if err then
      return nil, err
    end
  end
  self.admitted = self.admitted + 1
  return bucket
end

--- Lets nobody pass for so many seconds, since the server has asked for that.
---@param key string
---@param seconds number
---@param now number
---@return viesti.TokenBucket bucket of the key
function RateLimit:hold(key, seconds, now)
  local bucket = bucket_of(self, key, now)
  self.held = self.held + 1
  if self.cooldown then
    self.cooldown:start(bucket.key, seconds, now)
  end
  self.postpone(bucket, now + seconds, now)
  return bucket
end

--- Has what a server says that is left spread over the time for which it is all.
---@param bucket viesti.TokenBucket
---@param windows { name: string, left: number, seconds: number }[]
---@param now number
function RateLimit:learn(bucket, windows, now)
  for _, window in ipairs(windows) do
    bucket:learn(window.name, window.left, window.seconds, now)
  end
  if windows[1] then
    review(bucket, now)
  end
end

---@class viesti.RateLimitStats
---@field admitted integer requests that were let pass
---@field waited integer requests that stood in line
---@field refused integer requests that failed since they would have waited too long
---@field held integer times that a 429 held back all of a key
---@field keys integer keys that are told apart at present
---@field errors integer? of one on a Redis server: times that it had to do without

--- What has happened since it was made.
---@return viesti.RateLimitStats
function RateLimit:stats()
  return { admitted = self.admitted, waited = self.waited, refused = self.refused,
    held = self.held, keys = self.count }
end

return RateLimit
