--- Retrial: one request that is not done with its first attempt: what became of each, and what is
--- to be done next.
local origin_of = require "viesti.message.origin"
local resending = require "viesti.retrying.resending"
local retry_after = require "viesti.message.retry_after"

--- What a policy, `on_retry` and `on_give_up` are told.
---@class viesti.RetryContext
---@field request viesti.Request
---@field response viesti.Response? of the last attempt
---@field status_code integer? its status code
---@field error viesti.Error? where there is none
---@field sent "no"|"maybe" whether the server may have got the request
---@field reason "rate_limited"|"server_error"|"transport_error"|nil what calls for another attempt
---@field retry_after number? seconds that the response asks to wait
---@field attempts viesti.Attempt[] all so far
---@field attempt integer how many those are
---@field retries integer how many of them were retries that count
---@field retries_left integer
---@field elapsed number seconds since the first one began
---@field wait number? seconds until the next one, nil: no more; for a policy always those of true
---@field give_up string? why there is none

---@class viesti.Retrial
local Retrial = {}
Retrial.__index = Retrial

-- An attempt ended so.
local function note(self, response, err, now)
  local attempts = self.attempts
  attempts[#attempts + 1] = {
    number = #attempts + 1, start = self.began, duration = now - self.began,
    status_code = response and response.status_code, error = err,
    sent = err and err.sent or "maybe",
  }
  return attempts[#attempts]
end

local function context_of(self, response, err, reason, now)
  return {
    request = self.request, response = response, error = err, reason = reason,
    status_code = response and response.status_code, sent = err and err.sent or "maybe",
    retry_after = response and retry_after(response, self.sender:wall()) or nil,
    attempts = self.attempts, attempt = #self.attempts, retries = self.retries,
    retries_left = self.sender.retries - self.retries, elapsed = now - self.start,
  }
end

local function note_in_budget(self, reason, err)
  local budget = self.sender.budget
  if not budget or reason == "rate_limited" then
    return
  elseif not reason then
    budget:note_success()
  elseif not (err and err.sent == "no") then
    budget:note_failure()
  end
end

-- Everybody else is held back as well, for as long as the server asks. Who was told so after
-- somebody else was has his turn after him.
local function cool_down(self, context, now)
  local sender = self.sender
  local asked = (context.retry_after or 1) + sender.rate_limit.pad
  self.limited, self.cooldown, self.turn = self.limited + 1, nil, nil
  if sender.cooldown and asked < math.huge then
    local origin = origin_of(self.request.url)
    local mine, begun = sender.cooldown:start(origin, asked, now)
    self.cooldown = mine
    if mine and not begun then
      self.turn, self.cooldown = sender.cooldown:reserve(origin, now, function()
        return sender:random()
      end)
    end
  end
end

-- Seconds until the next attempt, if there is to be one.
local function usual_wait(self, context, now)
  local rules, random = self.sender.rules, self.sender:random()
  if context.reason == "rate_limited" then
    local wait = rules:limit_wait(context.retry_after, self.limited, random)
    return math.max(wait, self.turn and self.turn - now or 0)
  end
  return math.max(rules:backoff_wait(self.retries + 1, random), context.retry_after or 0)
end

-- Why there is no next attempt, by the rules alone; false where nothing calls for one.
local function usual_give_up(self, context)
  if context.reason == nil then
    return false
  elseif context.reason == "rate_limited" then
    return not self.request:is_replayable() and "body_not_replayable" or nil
  end
  return self.sender.rules:obstacle(self.request, context.error)
end

-- The same with what the policy says.
local function give_up_by_policy(self, context, verdict)
  if verdict == false then
    return context.reason ~= nil and "policy"
  elseif verdict == nil then
    return usual_give_up(self, context)
  elseif context.error and not self.sender.rules.may_pass(context.error) then
    return "not_retryable"
  end
  return not resending.has_body(self.request, context.error) and "body_not_replayable" or nil
end

-- Why the wait is not worth it, or what it would use up is used up.
local function exhausted(self, context, wait, now)
  local sender, limited = self.sender, context.reason == "rate_limited"
  local waited = limited and self.waited or 0
  if not limited and self.retries >= sender.retries then
    return "retries"
  elseif (context.retry_after or limited) and waited + wait > sender.rate_limit.max_wait then
    return "max_wait"
  elseif now + wait >= (self.request.deadline or math.huge) then
    return "deadline"
  elseif not limited and sender.budget and not sender.budget:allows() then
    return "budget"
  end
end

local function decide(self, context, now)
  context.wait = usual_wait(self, context, now)
  local verdict = self.sender.rules:ask_policy(context)
  now = self.sender:now() -- the policy may have waited
  if type(verdict) == "number" then
    context.wait = verdict
  end
  context.give_up = give_up_by_policy(self, context, verdict)
  if context.give_up == nil then
    context.give_up = exhausted(self, context, context.wait, now)
  end
  if context.give_up ~= nil then
    context.wait = nil
  elseif verdict and not context.reason then
    context.reason = "policy"
  end
end

local function tell(callback, context)
  if callback then
    callback(context)
  end
end

--- Notes what became of an attempt. Returns the seconds to wait before the next one; nil where
--- there is to be none.
---@param response viesti.Response?
---@param err viesti.Error?
---@return number? wait
function Retrial:consider(response, err)
  self.unsettled = response
  local sender, now = self.sender, self.sender:now()
  local reason = sender.rules:reason(response)
  local record = note(self, response, err, now)
  local context = context_of(self, response, err, reason, now)
  note_in_budget(self, reason, err)
  if reason == "rate_limited" then
    cool_down(self, context, now)
  else
    self.limited = 0
  end
  decide(self, context, now)
  if not context.wait then
    self.give_up = context.give_up or nil
    tell(context.give_up and sender.on_give_up, context)
    return nil
  end
  record.wait, record.reason = context.wait, context.reason
  if reason == "rate_limited" then
    self.waited = self.waited + context.wait
  else
    self.retries = self.retries + 1
  end
  tell(sender.on_retry, context)
  return context.wait
end

-- Where a function of the user's raises, or his task is cancelled, nobody gets the response: a
-- streamed one would hold its connection, and what layers inside keep for it.
function Retrial:__close()
  if self.unsettled then
    self.unsettled:close()
  end
end

--- The next attempt begins.
function Retrial:begin()
  self.began = self.sender:now()
end

-- The error may be its maker's, who returns it to others, too.
local function copy_of(err)
  local copy = {}
  for key, value in pairs(err) do
    copy[key] = value
  end
  return setmetatable(copy, debug.getmetatable(err))
end

--- What the caller gets.
---@return viesti.Response? response, viesti.Error? err
function Retrial:outcome(response, err)
  self.unsettled = nil
  if response then
    if #self.attempts == 1 and not self.give_up then
      return response
    end
    return response:annotated(nil, { attempts = self.attempts, give_up = self.give_up })
  end
  err = copy_of(err)
  err.attempts, err.give_up = self.attempts, self.give_up
  return nil, err
end

---@param sender viesti.RetryingSender
---@param request viesti.Request
---@param start number when the first attempt began
---@param waited number seconds that it has waited for limits before
---@return viesti.Retrial
return function(sender, request, start, waited)
  return setmetatable({ sender = sender, request = request, start = start, began = start,
    waited = waited, attempts = {}, retries = 0, limited = 0 }, Retrial)
end
