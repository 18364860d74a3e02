--- RateLimitingSender{ rate, per, burst, ... }: sends no more than so many requests in a time; who
--- comes earlier waits for his turn, or is told at once that it would take too long.
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local rate_limit_fields = require "viesti.message.rate_limit_fields"
local RateLimit = require "viesti.limits.rate_limit"
local Request = require "viesti.message.request"
local request_key = require "viesti.limits.request_key"
local retry_after = require "viesti.message.retry_after"

local TOO_MANY_REQUESTS = 429
local ASKED_FOR_NOTHING = 1 -- seconds

local of_limit = {}
for _, spec in ipairs(RateLimit.options) do
  of_limit[spec.name] = spec
end

---@class viesti.RateLimitingSender: viesti.ExtendingSender
---@field clock viesti.Clock|false
---@field key string|(fun(request: viesti.Request): string?)|nil
---@field max_wait number
---@field learn boolean
---@field limit viesti.RateLimit
local RateLimitingSender = ExtendingSender:extend("RateLimitingSender", {
  { name = "rate", type = "number", min = of_limit.rate.min, max = of_limit.rate.max,
    doc = "how many requests may go; needed where no limit is given" },
  of_limit.per, of_limit.burst,
  request_key.spec,
  { name = "max_wait", type = "number", default = 60, min = 0,
    doc = "seconds that a request may wait; who would have to wait longer fails at once" },
  of_limit.queue,
  { name = "learn", type = "boolean", default = false,
    doc = "whether to go slower where the RateLimit fields of responses say so" },
  { name = "limit", type = "RateLimit",
    doc = "a limit to share with other chains, instead of one of its own" },
  of_limit.cooldown, of_limit.max_keys,
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
})

local function refuse(sentence, ...)
  error(core.place() .. "RateLimitingSender: " .. sentence:format(...), 0)
end

function RateLimitingSender:init()
  RateLimitingSender.super.init(self)
  local own = {}
  for name in pairs(of_limit) do
    if self.limit and self._given[name] ~= nil then
      refuse("limit and %s are both given; the limit has its own", name)
    end
    own[name] = self[name]
  end
  if not self.limit and not self.rate then
    refuse "rate or limit must be given"
  end
  self.limit = self.limit or RateLimit(own)
  self.key_of = request_key.of(self.name, self.key)
  self.clock = self.clock or false -- nil is looked for in all bases
end

function RateLimitingSender:option(name)
  if name == "limit" then
    return self._given.limit
  elseif not (of_limit[name] and self._given.limit) then
    return self[name]
  end
end

-- Sends it; what the response says of limits is noted.
local function send_learning(self, request, bucket)
  local response, err
  do
    local _ <close> = bucket:begin_request(self:now())
    response, err = self.sender:send(request)
  end
  if type(response) == "userdata" then
    self.limit:learn(bucket, rate_limit_fields.windows(response, self:wall()), self:now())
  end
  return response, err
end

local function hold_back(self, key, response)
  local seconds = retry_after(response, self:wall()) or ASKED_FOR_NOTHING
  if seconds < math.huge then
    self.limit:hold(key, seconds, self:now())
  end
end

function RateLimitingSender:send(given)
  given = given or Request.from(given) -- which says what is missing
  local key, request = self.key_of(given)
  if not key then
    return self.sender:send(request)
  end
  local bucket, refused = self.limit:admit(key, self, request, self.max_wait, self.tell_time())
  if not bucket then
    return nil, refused
  end
  local response, err
  if self.learn then
    response, err = send_learning(self, request, bucket)
  else
    response, err = self.sender:send(request)
  end
  if response and response.status_code == TOO_MANY_REQUESTS then
    hold_back(self, key, response)
  end
  return response, err
end

return RateLimitingSender
