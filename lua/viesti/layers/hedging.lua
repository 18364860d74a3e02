--- HedgingSender{ delay, max_attempts, sender }: where an answer is slow to come, asks once more,
--- and takes the answer that comes first.
---
--- For what may be done twice (RFC 9110 9.2.2), over a chain whose `send` suspends tasks; else the
--- request just goes on.
local ExtendingSender = require "viesti.senders.extending"
local race = require "viesti.tasks.race"
local Request = require "viesti.message.request"

---@class viesti.HedgingSender: viesti.ExtendingSender
---@field delay number
---@field max_attempts integer
---@field budget viesti.RetryBudget?
local HedgingSender = ExtendingSender:extend("HedgingSender", {
  { name = "delay", type = "number", required = true, min = 0,
    doc = "seconds without an answer before the request is sent once more; somewhat more than most "
      .. "answers take" },
  { name = "max_attempts", type = "integer", default = 2, min = 1,
    doc = "how often the request is sent at most, the first time included" },
  { name = "budget", type = "RetryBudget",
    doc = "keeps further attempts few while much fails; to share with a RetryingSender" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
})

local TOO_MANY_REQUESTS = 429

-- Servers that answer so may do better the next time.
local FAILED = { [500] = true, [502] = true, [503] = true, [504] = true }

local function is_good(response)
  return response ~= nil and not FAILED[response.status_code]
end

-- An attempt that fails says so in the budget, be it the first; but what was turned away, or never
-- left, is neither success nor failure.
local function note_in_budget(budget, response, err)
  if response and response.status_code == TOO_MANY_REQUESTS or err and err.sent == "no" then
    return
  elseif is_good(response) then
    budget:note_success()
  else
    budget:note_failure()
  end
end

local function attempt(self, request)
  local response, err = self.sender:send(request)
  response, err = self:check_answer(request, response, err)
  if self.budget then
    note_in_budget(self.budget, response, err)
  end
  return response, err
end

local function run(self, request)
  local budget = self.budget
  local number, count, response, err = race {
    sender = self, delay = self.delay, is_good = is_good,
    attempt = function() return attempt(self, request) end,
    may_start = function(started)
      return started < self.max_attempts and (started == 0 or not budget or budget:allows())
    end,
  }
  if response and count > 1 then
    response = response:annotated(nil, { hedged = number })
  end
  return response, err
end

function HedgingSender:send(request)
  request = Request.from(request)
  local may_race = self.max_attempts > 1 and request:is_idempotent() and request:is_replayable()
  local task <close> = may_race and self:spawn(run, self, request) or nil
  if not task then
    return self.sender:send(request)
  end
  return task:join()
end

return HedgingSender
