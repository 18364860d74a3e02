--- RetryingSender(retries, sender): sends again what failed for a reason that may pass.
---
--- Of three kinds of failure, a rate limit (429) is waited out and never uses up `retries`, also at
--- 0; server errors and transport errors use up one each, with growing waits. What must not be done
--- twice (a POST) is sent again only if it certainly never left, or if the user says that it may
--- be.
local Cooldown = require "viesti.retrying.cooldown"
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local format = require "viesti.base.format"
local origin_of = require "viesti.message.origin"
local Request = require "viesti.message.request"
local Retrial = require "viesti.retrying.retrial"
local retry_rules = require "viesti.retrying.rules"

---@class viesti.RetryingSender: viesti.ExtendingSender
---@field retries integer
---@field statuses string|(integer|string)[]|nil
---@field policy string|(fun(context: viesti.RetryContext): boolean|number|nil)|nil
---@field on_retry? fun(context: viesti.RetryContext)
---@field on_give_up? fun(context: viesti.RetryContext)
---@field cooldown viesti.Cooldown|false
local RetryingSender = ExtendingSender:extend("RetryingSender", {
  { name = "retries", type = "integer", default = 0, min = 0,
    doc = "how often a server or transport error is tried again" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
  { name = "statuses", type = "string|table",
    doc = "which statuses are server errors: a list of them and of classes such as \"5xx\", or one "
      .. "class; 408, 500, 502, 503 and 504 if nothing is given" },
  { name = "methods", type = "string|strings", default = "idempotent",
    doc = "what is sent again where the server may have done it already: \"idempotent\" methods, "
      .. "\"any\", or those of a list" },
  { name = "idempotency_key", type = "boolean", default = false,
    doc = "adds an Idempotency-Key to what is not idempotent, the same in all attempts, which makes"
      .. " it so for servers that know the field" },
  { name = "backoff", type = "table", doc = "waits after server and transport errors", fields = {
    { name = "base", type = "number", default = 1, min = 0,
      doc = "seconds before the first retry" },
    { name = "factor", type = "number", default = 2, min = 1, doc = "growth from retry to retry" },
    { name = "cap", type = "number", default = 30, min = 0, doc = "seconds no wait exceeds" },
    { name = "jitter", type = "string", default = "full", values = { "full", "none" },
      doc = "full: a random part of the wait, so that clients do not come back all at once" },
  } },
  { name = "rate_limit", type = "table", doc = "waits after a 429", fields = {
    { name = "max_wait", type = "number", default = 60, min = 0,
      doc = "seconds that one request may wait in all; it returns at once if more is asked for" },
    { name = "pad", type = "number", default = 1, min = 0,
      doc = "seconds added to what Retry-After asks for" },
    { name = "shared", type = "boolean|Cooldown", default = true,
      doc = "whether a 429 holds back all requests to its origin, or a Cooldown to share that with "
        .. "other chains" },
  } },
  { name = "max_time", type = "number", min = 0,
    doc = "seconds for a request in all, its retries and waits included" },
  { name = "attempt_timeout", type = "number", min = 0,
    doc = "seconds for each attempt, instead of the session's timeout" },
  { name = "budget", type = "RetryBudget",
    doc = "keeps retries few while much fails; to share between chains" },
  { name = "policy", type = "function|string",
    doc = "a function of what happened that returns nil (as usual), false (not again), true (again)"
      .. " or the seconds to wait; or the name of one of viesti.policies" },
  { name = "on_retry", type = "function", doc = "called with what happened before each wait" },
  { name = "on_give_up", type = "function",
    doc = "called with what happened where something is not sent again that failed" },
})

function RetryingSender:init()
  RetryingSender.super.init(self)
  self.rules = retry_rules(self)
  local shared = self.rate_limit.shared
  self.cooldown = shared == true and Cooldown() or shared
  -- false rather than nil, which would be looked for in all the classes above for each request.
  self.is_changing = self.idempotency_key or self.max_time ~= nil or self.attempt_timeout ~= nil
  self.asks_policy = self.policy ~= nil
  self.tokens = self.budget or false
end

function RetryingSender:option(name)
  local value = self[name]
  return name == "statuses" and self._given.statuses or value
end

-- The request as it is sent each time, where that is not what was given.
local function prepared(self, request)
  if self.idempotency_key and not request:is_idempotent() then
    request = request:with { headers = { ["Idempotency-Key"] = core.uuid() } }
  end
  local deadline = self.max_time and self:now() + self.max_time
  if deadline or self.attempt_timeout then
    request = core.request_with_limits(request, deadline, self.attempt_timeout)
  end
  return request
end

local function held_back(request, origin, wait, moment, give_up)
  local err = core.error("rate_limited", ("%s wants no requests for another %s"):format(
    origin, format.seconds(wait)), request)
  err.retry_after, err.retry_at, err.give_up = wait, moment, give_up
  return err
end

-- Waits while the origin wants no requests. Returns the seconds that the request has waited for
-- limits in all, `waited` before; and an error where that takes too long. `mine` is a cooldown that
-- the caller has waited for.
local function await_turn(self, request, waited, mine)
  local cooldown = self.cooldown
  local function random()
    return self:random()
  end
  local origin, now = origin_of(request.url), self:now()
  local moment
  moment, mine = cooldown:reserve(origin, now, random, mine)
  while moment do
    local wait = moment - now
    local give_up = waited + wait > self.rate_limit.max_wait and "max_wait"
      or moment > (request.deadline or math.huge) and "deadline"
    if give_up then
      return waited, held_back(request, origin, wait, moment, give_up)
    end
    self:sleep(wait)
    waited, now = waited + wait, self:now()
    moment, mine = cooldown:reserve(origin, now, random, mine)
  end
  return waited
end

-- What has been waited for limits, too, as the third value, and the status as the fourth.
local function attempt(self, request, waited, mine)
  local cooldown, held = self.cooldown, nil
  if cooldown and cooldown.count > 0 then
    waited, held = await_turn(self, request, waited, mine)
  end
  if held then
    return nil, held, waited
  end
  local response, err = self.sender:send(request)
  local status = core.outcome(response)
  if status then
    return response, nil, waited, status
  end
  response, err = self:check_answer(request, response, err)
  return response, err, waited
end

local MOST_DRAINED = 64 * 1024 -- bytes

-- A connection serves again only if its response was read to the end.
local function finish(response)
  local length = response.streamed and tonumber(response.headers:get "Content-Length")
  if length and length <= MOST_DRAINED then
    repeat
      local bytes = response:read()
    until not bytes
  end
  response:close()
end

local function send_again(self, request, start, response, err, waited)
  local retrial <close> = Retrial(self, request, start, waited)
  while true do
    local wait = retrial:consider(response, err)
    if not wait then
      return retrial:outcome(response, err)
    end
    if response then
      finish(response)
    end
    self:sleep(wait)
    retrial:begin()
    response, err, retrial.waited = attempt(self, request, retrial.waited, retrial.cooldown)
  end
end

function RetryingSender:send(request)
  request = Request.from(request)
  if self.is_changing then
    request = prepared(self, request)
  end
  local start = self.tell_time()
  local response, err, waited, status = attempt(self, request, 0)
  if self.asks_policy or not status or self.rules.failing[status] then
    return send_again(self, request, start, response, err, waited)
  elseif self.tokens then
    self.tokens:note_success()
  end
  return response, err
end

return RetryingSender
