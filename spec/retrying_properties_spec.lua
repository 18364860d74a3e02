local viesti = require("viesti")

-- What must hold however servers and networks fail, over random schedules of faults by seed, in
-- virtual time; fewer where each instruction is looked at.
local SCHEDULES = os.getenv("RUN_UNDER") and 2000 or 100000
local URL = "http://h.invalid/"

local METHODS = { "GET", "PUT", "POST", "PATCH" }
local IDEMPOTENT = { GET = true, PUT = true }

-- The outcomes of attempts, by weight.
local KINDS = { "ok", "ok", "ok", "limited", "limited", "server", "server", "reset", "connect",
  "tls" }

local Faulty = viesti.ExtendingSender:extend("Faulty", { { name = "clock", type = "clock" } })

local nothing = viesti.SyncSender()

function Faulty:init()
  Faulty.super.init(self)
  self.sent, self.limited, self.done, self.outcomes, self.asked = 0, 0, 0, {}, {}
end

function Faulty:send(request)
  local kind = KINDS[math.random(#KINDS)]
  self.sent = self.sent + 1
  self.outcomes[self.sent] = kind
  self.clock.advance(math.random() * 3)
  self.limited = self.limited + (kind == "limited" and 1 or 0)
  self.done = self.done + ((kind == "ok" or kind == "server" or kind == "reset") and 1 or 0)
  if kind == "reset" or kind == "connect" or kind == "tls" then
    return nil, viesti.Error({ kind = kind, message = "by chance", request = request,
      sent = kind == "reset" and "maybe" or "no" })
  end
  local asked = math.random(0, 20)
  self.asked[self.sent] = kind == "limited" and asked
  return viesti.Response({ status_code = kind == "ok" and 200 or kind == "server" and 503 or 429,
    headers = kind == "limited" and { ["Retry-After"] = tostring(asked) } or nil })
end

local function chance(value)
  return math.random() < 0.5 and value or nil
end

local function one_schedule(seed)
  math.randomseed(seed)
  local clock = viesti.testing.clock({ seed = seed })
  local inner = Faulty({ clock = clock, sender = nothing })
  local retries, max_wait = math.random(0, 4), math.random(0, 60)
  local max_time = chance(math.random(1, 90))
  local sender = viesti.RetryingSender({ retries = retries, sender = inner, max_time = max_time,
    rate_limit = { max_wait = max_wait, pad = math.random() },
    budget = chance(viesti.RetryBudget({ max_tokens = math.random(1, 6) })) })
  local method = METHODS[math.random(#METHODS)]
  local start = clock.now()
  local response, err = sender:send({ method = method, url = URL })
  return { inner = inner, retries = retries, max_wait = max_wait, max_time = max_time,
    method = method, start = start, now = clock.now(), slept = clock.slept(),
    response = response, err = err, attempts = (response or err).attempts }
end

-- What is wrong with what became of a schedule, or nil.
local checks = {}

function checks.has_every_attempt(run)
  return #run.attempts == run.inner.sent
end

function checks.keeps_within_its_retries(run)
  return run.inner.sent - run.inner.limited <= run.retries + 1
end

function checks.never_counts_a_rate_limit(run)
  local counted = 0
  for _, attempt in ipairs(run.attempts) do
    if attempt.wait and attempt.status_code ~= 429 then
      counted = counted + 1
    end
  end
  local last = run.response or run.err
  return counted <= run.retries and (last.give_up ~= "retries" or counted == run.retries)
end

function checks.waits_no_longer_than_it_may(run)
  local limited = 0
  for _, attempt in ipairs(run.attempts) do
    limited = limited + (attempt.reason == "rate_limited" and attempt.wait or 0)
  end
  return limited <= run.max_wait + 1e-6
end

-- The waits alone: how long an attempt takes is for the transport to bound.
function checks.begins_nothing_after_its_max_time(run)
  for _, attempt in ipairs(run.attempts) do
    if run.max_time and attempt.number > 1 and attempt.start >= run.start + run.max_time then
      return false
    end
  end
  return true
end

function checks.never_waits_less_than_asked(run)
  for index, attempt in ipairs(run.attempts) do
    local asked = run.inner.asked[index]
    if attempt.wait and asked and attempt.wait < asked then
      return false
    end
  end
  return true
end

function checks.does_nothing_twice_that_must_not_be(run)
  return IDEMPOTENT[run.method] or run.inner.done <= 1
end

function checks.never_repeats_what_cannot_be_mended(run)
  for index, kind in ipairs(run.inner.outcomes) do
    if (kind == "tls" or kind == "ok") and index < #run.inner.outcomes then
      return false
    end
  end
  return true
end

describe("RetryingSender", function()
  it("keeps its promises under any faults", function()
    for seed = 1, SCHEDULES do
      local run = one_schedule(seed)
      for name, holds in pairs(checks) do
        if not holds(run) then
          error(("seed %d: it no longer %s"):format(seed, name:gsub("_", " ")))
        end
      end
    end
  end)
end)
