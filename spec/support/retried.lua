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

function retried.waits(outcome)
  local list = {}
  for index, attempt in ipairs(outcome.attempts) do
    list[index] = attempt.wait
  end
  return list
end

function retried.reasons(outcome)
  local list = {}
  for index, attempt in ipairs(outcome.attempts) do
    list[index] = attempt.reason
  end
  return list
end

function retried.after(seconds)
  return { 429, headers = { ["Retry-After"] = seconds } }
end

return retried
