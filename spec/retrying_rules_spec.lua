local viesti = require("viesti")
local retried = require("spec.support.retried")
local Scripted = require("spec.support.scripted")

local RetryingSender = viesti.RetryingSender
local URL = "http://h.invalid/"

describe("RetryingSender", function()
  local after, reasons, send, waits = retried.after, retried.reasons, retried.send, retried.waits

  describe("on a server error", function()
    it("uses up its retries on 408, 500, 502, 503 and 504, and on no other status", function()
      for status, sendings in pairs({ [408] = 2, [500] = 2, [502] = 2, [503] = 2, [504] = 2,
        [501] = 1, [505] = 1, [507] = 1, [400] = 1, [404] = 1, [409] = 1, [425] = 1, [301] = 1 }) do
        local outcome, inner = send({ status, 200 }, { retries = 1 })
        assert.same({ status, sendings }, { status, #inner.calls })
        assert.equal(sendings == 2 and 200 or status, outcome.status_code)
      end
    end)

    it("takes other statuses as a list, by class, or as one class", function()
      for _, case in ipairs({ { { 404 }, 404, 2 }, { { 404 }, 500, 1 }, { "5xx", 507, 2 },
        { "5xx", 408, 1 }, { { "4xx", 500 }, 418, 2 }, { { "4xx", 500 }, 501, 1 },
        { {}, 500, 1 } }) do
        local _, inner = send({ case[2], 200 }, { retries = 1, statuses = case[1] })
        assert.equal(case[3], #inner.calls)
      end
    end)

    it("takes 429 for a rate limit, whatever the statuses", function()
      local outcome, inner = send({ after(5), 200 }, { statuses = "4xx" })
      assert.same({ 200, 2, { 5 } }, { outcome.status_code, #inner.calls, waits(outcome) })
    end)

    it("waits as long as Retry-After asks, where that is more than its own wait", function()
      local header = { ["Retry-After"] = "7" }
      local outcome = send({ { 503, headers = header }, { 503, headers = header }, 503, 200 },
        { retries = 3, backoff = { base = 5, factor = 4, jitter = "none" } })
      assert.same({ 7, 20, 30 }, waits(outcome))
    end)

    it("gives up at once where Retry-After asks for more than max_wait", function()
      local outcome, inner = send({ { 503, headers = { ["Retry-After"] = "61" } } },
        { retries = 3 })
      assert.same({ 503, 1, "max_wait", 61 }, { outcome.status_code, #inner.calls, outcome.give_up,
        outcome:retry_after() })
    end)

    it("draws the wait from 0 to base * factor^(n-1), at most cap", function()
      local limits, most = { 1, 3, 9, 10, 10 }, { 0, 0, 0, 0, 0 }
      for seed = 1, 50 do
        local inner = Scripted({ script = { 503 }, clock = viesti.testing.clock({ seed = seed }) })
        local response = RetryingSender({ retries = 5, sender = inner,
          backoff = { base = 1, factor = 3, cap = 10 } }):send({ url = URL })
        for index, wait in ipairs(waits(response)) do
          assert.is_true(wait >= 0 and wait < limits[index])
          most[index] = math.max(most[index], wait)
        end
      end
      for index, limit in ipairs(limits) do
        assert.is_true(most[index] > 0.8 * limit)
      end
    end)
  end)

  describe("on 429", function()
    it("waits for it with no retries, any method, and uses none of them up", function()
      for _, method in ipairs({ "GET", "POST", "PATCH", "BREW" }) do
        local outcome, inner = send({ after(2), after(3), 500, 200 }, {},
          { method = method, url = URL })
        assert.same({ 500, 3 }, { outcome.status_code, #inner.calls })
      end
      local outcome = send({ 429, 503, 429, 503, 429, 503 }, { retries = 2 })
      assert.same({ 503, 6, { "rate_limited", "server_error", "rate_limited", "server_error",
        "rate_limited" }, "retries" },
        { outcome.status_code, #outcome.attempts, reasons(outcome), outcome.give_up })
    end)

    it("never waits less than asked plus the pad, and longer each time in a row", function()
      local limit = { pad = 2, max_wait = 1000 }
      local outcome = send({ after(10), after(10), after(10), after(10), 200 },
        { rate_limit = limit, backoff = { base = 1, factor = 2, jitter = "none" } })
      assert.same({ 12, 13, 14, 16 }, waits(outcome))
      for seed = 1, 20 do
        local inner = Scripted({ script = { after(10), after(10), 200 },
          clock = viesti.testing.clock({ seed = seed }) })
        local list = waits(RetryingSender({ sender = inner, rate_limit = limit })
          :send({ url = URL }))
        assert.is_true(list[1] > 12 and list[1] < 13 and list[2] > 12 and list[2] < 14)
      end
    end)

    it("does not spin where it is asked for nothing", function()
      local _, inner = send({ after(0) }, { backoff = { base = 0 },
        rate_limit = { pad = 0, max_wait = 5 } })
      assert.is_true(#inner.calls < 40, #inner.calls .. " sendings")
    end)

    it("returns it at once, with what it asks for, where that is over max_wait", function()
      local outcome, inner = send({ after(61) })
      assert.same({ 429, 1, "max_wait", 61.0 },
        { outcome.status_code, #inner.calls, outcome.give_up, outcome:retry_after() })
      assert.equal(0, inner.clock.slept())
      outcome = send({ after(25) })
      assert.same({ 3, "max_wait" }, { #outcome.attempts, outcome.give_up })
    end)

    it("counts what it has waited in all, and nothing else, against max_wait", function()
      local outcome = send({ { 429, headers = { ["Retry-After"] = "1" }, delay = 50 }, 503,
        { 429, headers = { ["Retry-After"] = "55" }, delay = 50 }, 200 }, { retries = 1 })
      assert.same({ 200, { 1, 1, 55 } }, { outcome.status_code, waits(outcome) })
      local cooldown = viesti.Cooldown({ step = 0 })
      local inner = Scripted({ script = { after(30), 200 } })
      cooldown:start("http://h.invalid", 40, inner:now())
      outcome = RetryingSender({ sender = inner, backoff = { jitter = "none" },
        rate_limit = { pad = 0, shared = cooldown } }):send({ url = URL })
      assert.same({ 429, "max_wait", 40 },
        { outcome.status_code, outcome.give_up, inner.clock.slept() })
    end)

    it("returns it at once where it asks for more seconds than there are", function()
      for _, number in ipairs({ ("9"):rep(30), ("9"):rep(400), "18446744073709551617" }) do
        local outcome = send({ after(number) }, { rate_limit = { max_wait = 1e15 } })
        assert.same({ 1, math.huge }, { #outcome.attempts, outcome:retry_after() })
      end
    end)

    it("reads RateLimit and X-RateLimit-Reset where Retry-After is missing", function()
      for value, seconds in pairs({ ['"a";r=0;t=12'] = 12, ['"a";r=5;t=99, "b";r=0;t=7'] = 7,
        ["limit=10, remaining=0, reset=8"] = 8, ['"a";q=5'] = 1, ["rubbish"] = 1 }) do
        assert.same({ seconds }, waits(send({ { 429, headers = { RateLimit = value } }, 200 })))
      end
      local date = "Sun, 06 Nov 1994 08:49:37 GMT"
      for value, seconds in pairs({ ["30"] = 30, ["784111787"] = 784111787,
        ["4000000000000"] = 4000000000 - 784111777, ["4000000000"] = 4000000000 - 784111777 }) do
        local outcome = send({ { 429, headers = { Date = date, ["X-RateLimit-Reset"] = value } },
          200 }, { rate_limit = { pad = 0, max_wait = 1e10 } })
        assert.same({ seconds }, waits(outcome))
      end
      for asked, seconds in pairs({ ["4"] = 4, ["soon"] = 9, [""] = 9 }) do
        local both = { RateLimit = '"a";r=0;t=9', ["Retry-After"] = asked }
        assert.same({ seconds }, waits(send({ { 429, headers = both }, 200 })))
      end
      local rubbish = { RateLimit = "rubbish", ["X-RateLimit-Reset"] = "9" }
      assert.same({ 9 }, waits(send({ { 429, headers = rubbish }, 200 })))
    end)
  end)

  describe("on a transport error", function()
    local passing = { "connect", "resolve", "timeout", "reset", "empty_reply", "truncated" }

    it("sends again what certainly never left, whatever the method", function()
      for _, kind in ipairs(passing) do
        local _, inner = send({ { error = kind, sent = "no" }, 200 }, { retries = 1 },
          { method = "POST", url = URL, content = "x" })
        assert.equal(2, #inner.calls)
      end
    end)

    it("sends again what may have left only if that does no harm", function()
      for method, sendings in pairs({ GET = 2, HEAD = 2, OPTIONS = 2, PUT = 2, DELETE = 2,
        TRACE = 2, POST = 1, PATCH = 1, BREW = 1 }) do
        for _, kind in ipairs(passing) do
          local outcome, inner = send({ { error = kind }, 200 }, { retries = 1 },
            { method = method, url = URL })
          assert.same({ method, sendings }, { method, #inner.calls })
          if sendings == 1 then
            assert.same({ kind, "not_idempotent" }, { outcome.kind, outcome.give_up })
          end
        end
      end
    end)

    it("never sends again what another attempt cannot mend, whatever a policy says", function()
      for _, kind in ipairs({ "tls", "refused", "too_large", "cancelled", "script", "closed",
        "forked", "redirect", "protocol", "circuit_open", "rate_limited", "deadline" }) do
        for _, policy in ipairs({ false, function() return true end }) do
          local outcome, inner = send({ { error = kind, sent = "no" } },
            { retries = 3, policy = policy or nil })
          assert.same({ 1, kind, kind == "deadline" and not policy and "deadline"
            or "not_retryable" }, { #inner.calls, outcome.kind, outcome.give_up })
        end
      end
    end)
  end)

  describe("with what must not be done twice", function()
    local function sendings(options, request)
      request.url = URL
      options.retries = 1
      local _, inner = send({ 503, 200 }, options, request)
      return #inner.calls, inner
    end

    it("does not send it again after a server error", function()
      assert.equal(1, (sendings({}, { method = "POST" })))
    end)

    it("does where the user says that it may", function()
      assert.equal(2, (sendings({ methods = "any" }, { method = "POST" })))
      assert.equal(2, (sendings({ methods = { "post" } }, { method = "POST" })))
      assert.equal(1, (sendings({ methods = { "POST" } }, { method = "PUT" })))
      assert.equal(2, (sendings({}, { method = "POST", idempotent = true })))
      assert.equal(2, (sendings({ methods = {} }, { method = "POST", idempotent = true })))
      assert.equal(2, (sendings({}, { method = "POST", headers = { ["Idempotency-Key"] = "1" } })))
    end)

    it("adds a key that stays the same over all attempts where it is told to", function()
      local count, inner = sendings({ idempotency_key = true }, { method = "POST" })
      local keys = {}
      for index, call in ipairs(inner.calls) do
        keys[index] = call.request.headers["Idempotency-Key"]
      end
      assert.same({ 2, 36, keys[1] }, { count, #keys[1], keys[2] })
      local _, other = sendings({ idempotency_key = true }, { method = "POST" })
      assert.not_equal(keys[1], other.calls[1].request.headers["Idempotency-Key"])
      local _, get = sendings({ idempotency_key = true }, { method = "GET" })
      assert.is_nil(get.calls[1].request.headers["Idempotency-Key"])
      local _, mine = sendings({ idempotency_key = true },
        { method = "POST", headers = { ["Idempotency-Key"] = "mine" } })
      assert.equal("mine", mine.calls[2].request.headers["Idempotency-Key"])
    end)
  end)

  describe("with a body", function()
    it("does not send again what cannot be read again", function()
      local outcome = send({ 503 }, { retries = 3 },
        { method = "PUT", url = URL, content = function() end })
      assert.same({ 503, 1, "body_not_replayable" },
        { outcome.status_code, #outcome.attempts, outcome.give_up })
      outcome = send({ 429 }, {}, { method = "PUT", url = URL, content = function() end })
      assert.equal("body_not_replayable", outcome.give_up)
    end)

    it("sends again what a factory makes anew", function()
      local outcome = send({ 503, 200 }, { retries = 3 }, { method = "PUT", url = URL,
        factory = true, content = function() return function() end end })
      assert.same({ 200, 2 }, { outcome.status_code, #outcome.attempts })
    end)
  end)

  describe("with a max_time", function()
    it("gives up at once where the wait does not fit", function()
      local outcome, inner = send({ { 503, delay = 1 } }, { retries = 10, max_time = 10,
        backoff = { base = 2, jitter = "none" } })
      assert.same({ "deadline", 3, 9 }, { outcome.give_up, #inner.calls, inner.clock.slept() })
      outcome = send({ after(30), 200 }, { max_time = 20 })
      assert.same({ 429, "deadline", 30 },
        { outcome.status_code, outcome.give_up, outcome:retry_after() })
    end)

    it("is the request's own where that comes first, and travels on with it", function()
      local inner = Scripted({ script = { 200 } })
      local sender = RetryingSender({ max_time = 10, sender = inner })
      local now = sender:now()
      sender:send({ url = URL })
      sender:send({ url = URL, deadline = now + 5 })
      sender:send({ url = URL, deadline = now + 15 })
      local left = {}
      for index, call in ipairs(inner.calls) do
        left[index] = call.request.deadline - now
      end
      assert.same({ 10, 5, 10 }, left)
    end)

    it("limits each attempt apart with attempt_timeout", function()
      local inner = Scripted({ script = { 200 } })
      local sender = RetryingSender({ attempt_timeout = 3, sender = inner })
      sender:send({ url = URL })
      sender:send({ url = URL, timeout = 2 })
      sender:send({ url = URL, timeout = 4 })
      local timeouts = {}
      for index, call in ipairs(inner.calls) do
        timeouts[index] = call.request.timeout
      end
      assert.same({ 3, 2, 3 }, timeouts)
    end)
  end)

  describe("with a budget", function()
    it("stops retrying while half of it or less is left, and successes give it back", function()
      local budget = viesti.RetryBudget({ max_tokens = 4, token_ratio = 0.5 })
      local outcome = send({ 503 }, { retries = 9, budget = budget })
      assert.same({ 2, "budget", 2 }, { #outcome.attempts, outcome.give_up, budget.tokens })
      outcome = send({ 503 }, { retries = 9, budget = budget })
      assert.same({ 1, "budget", 1 }, { #outcome.attempts, outcome.give_up, budget.tokens })
      for _ = 1, 4 do
        send({ 200 }, { budget = budget })
      end
      assert.equal(3, budget.tokens)
      outcome = send({ 503, 200 }, { retries = 9, budget = budget })
      assert.equal("budget", outcome.give_up)
      send({ { 404 } }, { budget = budget })
      send({ { 200 } }, { budget = budget })
      outcome = send({ 503, 200 }, { retries = 9, budget = viesti.RetryBudget() })
      assert.equal(200, outcome.status_code)
    end)

    it("has failures that were never sent, and rate limits, for free", function()
      local budget = viesti.RetryBudget({ max_tokens = 2 })
      send({ { error = "connect", sent = "no" } }, { retries = 5, budget = budget })
      send({ after(1), after(1), after(1), 200 }, { budget = budget })
      assert.equal(2, budget.tokens)
    end)
  end)

  describe("tells", function()
    it("what became of each attempt", function()
      local outcome = send({ { 503, delay = 2 }, { error = "reset", delay = 3 }, after(4),
        { 200, delay = 1 } }, { retries = 2 })
      local list = {}
      for index, attempt in ipairs(outcome.attempts) do
        list[index] = { attempt.number, attempt.start - outcome.attempts[1].start,
          attempt.duration, attempt.status_code or attempt.error.kind, attempt.sent,
          attempt.wait or "none", attempt.reason or "none" }
      end
      assert.same({ { 1, 0, 2, 503, "maybe", 1, "server_error" },
        { 2, 3, 3, "reset", "maybe", 2, "transport_error" },
        { 3, 8, 0, 429, "maybe", 4, "rate_limited" },
        { 4, 12, 1, 200, "maybe", "none", "none" } }, list)
      assert.is_nil(outcome.give_up)
    end)

    it("of one attempt where there was no other", function()
      local outcome = send({ 200 })
      assert.same({ 1, 200, 1 }, { #outcome.attempts, outcome.attempts[1].status_code,
        outcome.attempts[1].number })
    end)

    it("the same of an error, without touching the inner sender's", function()
      local inner = Scripted({ script = { 200 } })
      local theirs = viesti.Error("reset", "theirs")
      function inner.send()
        return nil, theirs
      end
      local _, err = RetryingSender({ sender = inner }):send({ url = URL })
      assert.same({ "retries", 1, "reset: theirs" },
        { err.give_up, #err.attempts, tostring(err) })
      assert.is_nil(theirs.attempts)
    end)

    it("on_retry before each wait, and on_give_up at the end", function()
      local told = {}
      local function tell(name)
        return function(context)
          told[#told + 1] = { name, context.status_code, context.wait or context.give_up }
        end
      end
      local hooks = { retries = 2, on_retry = tell("retry"), on_give_up = tell("give up") }
      send({ 503, 502, 500 }, hooks)
      assert.same({ { "retry", 503, 1 }, { "retry", 502, 2 }, { "give up", 500, "retries" } }, told)
      told = {}
      send({ 404 }, hooks)
      send({ 200 }, hooks)
      assert.same({}, told)
    end)
  end)

  it("ends at once when it is cancelled in a wait", function()
    viesti.run(function()
      local clock = viesti.testing.clock()
      local inner = Scripted({ script = { 503 }, clock = clock })
      local sender = RetryingSender({ retries = 1, sender = inner, backoff = { jitter = "none" } })
      local task = viesti.spawn(function() return sender:send({ url = URL }) end)
      viesti.sleep(0)
      assert.is_true(task:cancel())
      local _, err = task:join()
      assert.same({ "cancelled", 1 }, { err.kind, #inner.calls })
    end)
  end)

  it("refuses what makes no sense", function()
    for sentence, options in pairs({
      ['methods must be "idempotent", "any" or a list of methods, got "all"'] = { methods = "all" },
      ['statuses must be a list of statuses and of classes such as "5xx", or one class, got 42'] =
        { statuses = { 42 } },
      ['budget must be a RetryBudget, got 3'] = { budget = 3 },
      ['max_time must be a number of 0 or more, got -1'] = { max_time = -1 },
    }) do
      assert.error_matches(function() RetryingSender(options) end, sentence, 1, true)
    end
  end)
end)
