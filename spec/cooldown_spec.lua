local viesti = require("viesti")
local Scripted = require("spec.support.scripted")

local RetryingSender = viesti.RetryingSender
local ORIGIN = "http://a.test"
local URL = "http://h.invalid/"

describe("Cooldown", function()
  -- When each of so many tasks, which send at the same moment and are all turned away, sends again:
  -- counted by steps of a quarter of a second after the ten that the server asked for.
  local function steps_of(count)
    local clock = viesti.testing.clock()
    local start, steps, turned_away = clock.now(), {}, 0
    local mock = viesti.MockSender({ clock = clock, asynchronous = true, routes = { {
      answer = function()
        if turned_away < count then
          turned_away = turned_away + 1
          return { status_code = 429, headers = { ["Retry-After"] = "10" }, delay = 0.001 }
        end
        local step = math.ceil((clock.now() - start - 10.001) / 0.25 - 1e-6)
        steps[step] = (steps[step] or 0) + 1
        return { status_code = 200 }
      end } } })
    local sender = viesti.RetryingSender({ sender = mock, backoff = { jitter = "none" },
      rate_limit = { pad = 0, shared = viesti.Cooldown({ step = 0.25 }) } })
    viesti.run(function()
      local numbers = {}
      for number = 1, count do
        numbers[number] = number
      end
      viesti.map(numbers, function()
        assert(sender:send({ url = ORIGIN }))
      end, { concurrency = count })
    end)
    return steps
  end

  it("lets those go in growing groups, too, who were all turned away at once", function()
    local steps = steps_of(32)
    assert.same({ [0] = steps[0], steps[1], steps[2], steps[3], steps[4] }, steps)
    assert.is_true(steps[0] <= 3 and steps[1] <= 3 and steps[2] <= 5, table.concat(steps, " "))
    assert.equal(32, steps[0] + steps[1] + steps[2] + steps[3] + steps[4])
  end)

  it("tells whether it began with this, and not before what was asked last is over", function()
    local cooldown = viesti.Cooldown({ step = 0.25 })
    local function random() return 0 end
    local mine, begun = cooldown:start(ORIGIN, 10, 100)
    assert.is_true(begun)
    local other, also_begun = cooldown:start(ORIGIN, 10, 100.1)
    assert.same({ mine, false }, { other, also_begun })
    assert.equal(110.1, (cooldown:reserve(ORIGIN, 101, random)))
    assert.equal(110.35, (cooldown:reserve(ORIGIN, 101, random)))
    assert.is_nil(cooldown:reserve(ORIGIN, 101, random, mine))
    local newer, newly_begun = cooldown:start(ORIGIN, 20, 101)
    assert.is_true(newly_begun and newer ~= mine)
    assert.equal(121, (cooldown:reserve(ORIGIN, 101, random, mine)))
    assert.is_nil(cooldown:reserve(ORIGIN, 130, random))
  end)

  describe("where one request is told to wait", function()
    local function start(options)
      options.clock = viesti.testing.clock()
      local log, limited = {}, true
      local inner = Scripted({ script = { 200 }, clock = options.clock })
      function inner.send(_, request)
        request = viesti.Request.from(request)
        log[#log + 1] = options.clock.now() - options.zero
        if limited then
          limited = false
          return viesti.Response({ url = request.url, status_code = 429,
            headers = { ["Retry-After"] = "10" } })
        end
        return viesti.Response({ url = request.url })
      end
      options.zero = options.clock.now()
      local rate_limit = options.rate_limit or {}
      rate_limit.pad = 0
      return RetryingSender({ sender = inner, rate_limit = rate_limit,
        backoff = { jitter = "none" } }), log
    end

    -- One request that is limited, and so many at once a second later.
    local function storm(sender, clock, count, url)
      local outcomes = {}
      viesti.run(function()
        local first = viesti.spawn(function() return sender:send({ url = URL }) end)
        clock.sleep(1)
        local tasks = {}
        for index = 1, count do
          tasks[index] = viesti.spawn(function()
            local response, err = sender:send({ url = url or URL })
            outcomes[#outcomes + 1] = response and response.status_code or err.kind
          end)
        end
        for _, task in ipairs(tasks) do
          task:join()
        end
        first:join()
      end)
      return outcomes
    end

    it("holds back all others to that origin, and lets them go in growing groups", function()
      local options = {}
      local sender, log = start(options)
      local outcomes = storm(sender, options.clock, 31)
      assert.equal(31, #outcomes)
      assert.same({ 0, 33 }, { log[1], #log })
      local groups = {}
      for index = 2, #log do
        local step = math.ceil((log[index] - 10) / 0.25 - 1e-6)
        groups[step] = (groups[step] or 0) + 1
      end
      assert.same({ [0] = 2, 2, 4, 8, 16 }, groups)
    end)

    it("does not hold back what goes elsewhere, or over a chain of its own", function()
      local options = {}
      local sender, log = start(options)
      storm(sender, options.clock, 3, "http://other.invalid/")
      assert.same({ 1, 1, 1 }, { log[2], log[3], log[4] })
      options = { rate_limit = { shared = false } }
      sender, log = start(options)
      storm(sender, options.clock, 3)
      assert.same({ 1, 1, 1 }, { log[2], log[3], log[4] })
    end)

    it("refuses at once where that would take longer than max_wait or the deadline", function()
      local cooldown = viesti.Cooldown()
      local options = { rate_limit = { shared = cooldown, max_wait = 5 } }
      local sender, log = start(options)
      local outcomes = storm(sender, options.clock, 3)
      assert.same({ { "rate_limited", "rate_limited", "rate_limited" }, 1 }, { outcomes, #log })
      local _, err = sender:send({ url = URL })
      assert.same({ "rate_limited", "no", 1, "max_wait" },
        { err.kind, err.sent, #err.attempts, err.give_up })
      assert.is_true(err.retry_after >= 9 and err.retry_after < 12)
      local patient = RetryingSender({ sender = sender.sender, rate_limit = { shared = cooldown } })
      err = select(2, patient:send({ url = URL, deadline = sender:now() + 1 }))
      assert.same({ "rate_limited", "deadline", 1 }, { err.kind, err.give_up, #log })
    end)

    it("shares that with other chains through a Cooldown", function()
      local cooldown = viesti.Cooldown({ step = 0 })
      local first = { rate_limit = { shared = cooldown } }
      local sender = start(first)
      local other_inner = Scripted({ script = { 200 }, clock = first.clock })
      local other = RetryingSender({ sender = other_inner, rate_limit = { shared = cooldown } })
      sender:send({ url = URL })
      cooldown:start("http://h.invalid", 30, first.clock.now())
      local before = first.clock.now()
      assert.equal(200, other:send({ url = URL }).status_code)
      assert.equal(30, first.clock.now() - before)
    end)
  end)
end)
