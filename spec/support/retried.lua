-- What becomes of a request that a RetryingSender sends.
local Scripted = require("spec.support.scripted")
local viesti = require("viesti")

local URL = "http://h.invalid/"

local retried = {}

-- The outcome of a request over a sender that answers so, and that sender. `options` are those of
-- the RetryingSender, without jitter unless they say otherwise.
function retried.send(script, options, request)
  options = options or {}
  options.backoff = options.backoff or { jitter = "none" }
  options.rate_limit = options.rate_limit or { pad = 0 }
  local inner = Scripted({ script = script })
  options.sender = inner
  local response, err = viesti.RetryingSender(options):send(request or { url = URL })
  return response or err, inner
end

-- What each attempt has by that name.
local function of_each(outcome, name)
  local list = {}
  for index, attempt in ipairs(outcome.attempts) do
    list[index] = attempt[name]
  end
  return list
end

function retried.waits(outcome)
  return of_each(outcome, "wait")
end

function retried.reasons(outcome)
  return of_each(outcome, "reason")
end

function retried.after(seconds)
  return { 429, headers = { ["Retry-After"] = seconds } }
end

return retried
