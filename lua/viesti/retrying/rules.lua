--- What a RetryingSender's options say of a response, an error, a request: whether it failed,
--- whether it may be sent again, how long to wait.
local core = require "viesti.core"
local format = require "viesti.base.format"
local nearest = require "viesti.base.nearest"
local policies = require "viesti.retrying.policies"
local resending = require "viesti.retrying.resending"
local tables = require "viesti.base.tables"

local TOO_MANY_REQUESTS = 429
local SERVER_ERRORS = { 408, 500, 502, 503, 504 }

---@class viesti.RetryRules
local Rules = {}
Rules.__index = Rules

local function refuse(sentence, ...)
  error(core.place() .. "RetryingSender: " .. sentence:format(...), 0)
end

local function add_statuses(set, item)
  local class = type(item) == "string" and item:match "^([1-5])xx$"
  if class then
    for status = class * 100, class * 100 + 99 do
      set[status] = "server_error"
    end
  elseif math.type(item) == "integer" and item >= 100 and item <= 599 then
    set[item] = "server_error"
  else
    refuse('statuses must be a list of statuses and of classes such as "5xx", or one class, got %s',
      format.given(item))
  end
end

-- What the statuses that are failures stand for.
local function status_set(given)
  local set = {}
  if type(given) == "table" and not tables.is_list(given) then
    add_statuses(set, given)
  end
  for _, item in ipairs(type(given) == "table" and given or { given }) do
    add_statuses(set, item)
  end
  set[TOO_MANY_REQUESTS] = "rate_limited"
  return set
end

local function method_set(given)
  if given == "idempotent" or given == "any" then
    return given
  elseif type(given) == "string" then
    refuse('methods must be "idempotent", "any" or a list of methods, got %s', format.given(given))
  end
  local set = {}
  for _, method in ipairs(given) do
    set[method:upper()] = true
  end
  return set
end

-- Of these a policy is made first; they are none by themselves.
local MAKERS = { on_statuses = true, first_of = true }

local function policy_of(given)
  if MAKERS[given] then
    refuse("policy %s is made by a call: policy = viesti.policies.%s(...)", format.value(given),
      given)
  elseif type(given) ~= "string" or rawget(policies, given) ~= nil then
    return type(given) == "string" and policies[given] or given
  end
  local near = nearest(given, tables.sorted_keys(policies))
  refuse("there is no policy %s%s", format.value(given),
    near and (", did you mean '%s'?"):format(near) or "")
end

--- Why the outcome calls for another attempt; nil where it does not. No response: an error.
---@param response viesti.Response?
---@return "rate_limited"|"server_error"|"transport_error"|nil
function Rules:reason(response)
  if not response then
    return "transport_error"
  end
  return self.failing[response.status_code]
end

--- Whether anything at all may be done about the error; not even a policy can have the others sent
--- again: a certificate that is none, a refused URL, an error of the user's own.
---@param err viesti.Error
---@return boolean
function Rules.may_pass(err)
  return (resending.PASSING[err.kind] or err.kind == "out_of_memory")
    and (err.sent == "maybe" or err.retryable)
end

-- Whether it may be done twice.
local function is_repeatable(self, request)
  if type(self.methods) == "table" then
    return self.methods[request.method] or request.idempotent
      or request.headers:get "Idempotency-Key" ~= nil
  end
  return self.methods == "any" or request:is_idempotent()
end

--- What keeps the request from being sent again after that error, or after the response where there
--- is none; nil if nothing does.
---@param request viesti.Request
---@param err viesti.Error?
---@return string? give_up "deadline", "max_wait", "not_retryable", "not_idempotent" or
--- "body_not_replayable"
function Rules:obstacle(request, err)
  if err and not self.may_pass(err) then
    return err.give_up or err.kind == "deadline" and "deadline" or "not_retryable"
  elseif not (err and err.sent == "no") and not is_repeatable(self, request) then
    return "not_idempotent"
  end
  return not resending.has_body(request, err) and "body_not_replayable" or nil
end

--- Seconds to wait before the retry of that number.
---@param retry integer
---@param random number from 0 to 1
---@return number
function Rules:backoff_wait(retry, random)
  local backoff = self.backoff
  local wait = math.min(backoff.cap, backoff.base * backoff.factor ^ (retry - 1))
  return backoff.jitter == "full" and random * wait or wait
end

local ASKED_FOR_NOTHING = 1 -- seconds
local LEAST = 0.01          -- seconds for each 429 in a row: something has to grow

--- Seconds to wait after so many 429s in a row: what was asked for at the least.
---@param asked number? seconds
---@param limited integer
---@param random number from 0 to 1
---@return number
function Rules:limit_wait(asked, limited, random)
  local jitter = self.backoff.jitter == "full" and self:backoff_wait(limited, random)
    or limited > 1 and self:backoff_wait(limited - 1, 1) or 0
  return (asked or ASKED_FOR_NOTHING) + self.rate_limit.pad
    + math.max(jitter, LEAST * (limited - 1))
end

--- What the policy, if there is one, says of what happened.
---@param context viesti.RetryContext
---@return boolean|number|nil
function Rules:ask_policy(context)
  local verdict
  if self.policy then
    verdict = self.policy(context)
  end
  if verdict == nil or type(verdict) == "boolean"
    or type(verdict) == "number" and verdict >= 0 and verdict < math.huge then
    return verdict
  end
  error(("%sRetryingSender: policy must return nil, true, false or seconds, it returned %s"):format(
    core.place_of(self.policy), format.given(verdict)), 0)
end

--- Of checked options.
---@param sender viesti.RetryingSender
---@return viesti.RetryRules
return function(sender)
  return setmetatable({
    failing = status_set(sender.statuses or SERVER_ERRORS),
    methods = method_set(sender.methods),
    policy = policy_of(sender.policy),
    backoff = sender.backoff,
    rate_limit = sender.rate_limit,
  }, Rules)
end
