--- RetryingSender(retries, sender): sends again what failed for a reason that may pass.
---
--- Rate limits (429) are waited out and never use up `retries`, also at 0. Server errors and
--- transport errors use up one each, with growing waits. A request that must not be sent twice (a
--- POST) is repeated only if it certainly never left, or if `methods` is "any".
local ExtendingSender = require "viesti.senders.extending"
local Request = require "viesti.request"

---@class viesti.RetryingSender: viesti.ExtendingSender
---@field retries integer
local RetryingSender = ExtendingSender:extend("RetryingSender", {
  { name = "retries", type = "integer", default = 0, min = 0,
    doc = "how often a server or transport error is tried again" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
  { name = "methods", type = "string", default = "idempotent", values = { "idempotent", "any" },
    doc = "whether a method that is not idempotent (POST, PATCH) is repeated after a 5xx" },
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
      doc = "seconds that one request may wait in all; beyond that the 429 is returned" },
    { name = "pad", type = "number", default = 1, min = 0,
      doc = "seconds added to what Retry-After asks for" },
  } },
})

local TOO_MANY_REQUESTS = 429
local DEFAULT_RETRY_AFTER = 1

local function is_server_error(response)
  return response.status_code >= 500
end

function RetryingSender:backoff_wait(retry)
  local backoff = self.backoff
  local wait = math.min(backoff.cap, backoff.base * backoff.factor ^ (retry - 1))
  return backoff.jitter == "full" and math.random() * wait or wait
end

-- Whether the outcome may be tried again at the cost of one retry.
function RetryingSender:may_retry(request, response, err)
  if err then
    return err.retryable
  end
  return is_server_error(response) and (self.methods == "any" or request:is_idempotent())
    and request:is_replayable()
end

local function finish(response, err, attempts)
  if response then
    return attempts > 1 and response:annotated(nil, attempts) or response
  end
  err.attempts = attempts
  return nil, err
end

function RetryingSender:send(request)
  request = Request.from(request)
  local attempts, retries, waited = 0, 0, 0
  while true do
    local response, err = self.sender:send(request)
    attempts = attempts + 1
    response, err = self:check_answer(request, response, err)
    local wait
    if response and response.status_code == TOO_MANY_REQUESTS and request:is_replayable() then
      wait = (response:retry_after() or DEFAULT_RETRY_AFTER) + self.rate_limit.pad
      waited = waited + wait
      if waited > self.rate_limit.max_wait then
        return finish(response, err, attempts)
      end
    elseif retries < self.retries and self:may_retry(request, response, err) then
      retries = retries + 1
      wait = self:backoff_wait(retries)
    else
      return finish(response, err, attempts)
    end
    if response then
      response:close() -- a streamed one would hold its connection while we wait
    end
    self:sleep(wait)
  end
end

return RetryingSender
