local viesti = require "viesti"
local fixture = require "spec.support.fixture"
local streams = require "spec.support.streams"
local ways = require "spec.support.ways"

local CircuitBreaker, CircuitBreakingSender = viesti.CircuitBreaker, viesti.CircuitBreakingSender

local URL, ORIGIN = "http://a.test/", "http://a.test"

-- A sender whose origin answers with `answer`: a status, or a kind of error, or a function that
-- returns either; after so many virtual `seconds`.
local function scripted(options)
  local Scripted = viesti.Sender:extend "ScriptedSender"
  Scripted.is_async = true
  function Scripted:send(request)
    self.count = self.count + 1
    local answer = self.answer
    if type(answer) == "function" then
      answer = answer(request)
    end
    if self.seconds > 0 then
      self.clock.sleep(self.seconds)
    end
    if type(answer) == "string" then
      return nil, viesti.Error(answer, "failed below", request)
    end
    return viesti.Response { url = request.url, status_code = answer }
  end
  local below = Scripted()
  below.clock, below.answer, below.seconds, below.count = viesti.testing.clock(), 200, 0, 0
  options.sender, options.clock = below, below.clock
  return CircuitBreakingSender(options), below
end

describe("CircuitBreakingSender", function()
  local function send(sender, count, url)
    local response, err
    for _ = 1, count or 1 do
      response, err = sender:send { url = url or URL }
    end
    return response and response.status_code or err.kind, err
  end

  local function state(sender)
    return sender.breaker:state(ORIGIN)
  end

  -- One that has just opened.
  local function opened(options)
    options.minimum = options.minimum or 2
    local sender, below = scripted(options)
    below.answer = 503
    send(sender, options.minimum)
    assert.equal("open", state(sender))
    below.answer, below.count = 200, 0
    return sender, below
  end

  -- Lets the time pass that it stays open.
  local function pass(sender, below)
    local _, err = send(sender)
    below.clock.advance(err.retry_after)
    return err.retry_after
  end

  describe("closed", function()
    it("opens when enough calls have been made, and that part of them failed", function()
      local sender, below = scripted { ratio = 0.5, minimum = 10 }
      send(sender, 5)
      below.answer = 500
      send(sender, 4)
      assert.equal("closed", state(sender))
      assert.equal(500, send(sender))
      assert.equal("open", state(sender))
      assert.equal("circuit_open", send(sender))
      assert.equal(10, below.count)
    end)

    it("stays so while most goes well, or little is asked", function()
      local sender, below = scripted { ratio = 0.5, minimum = 10 }
      for _ = 1, 100 do
        below.answer = 500
        send(sender)
        below.answer = 200
        send(sender, 2)
      end
      assert.equal("closed", state(sender))
      sender, below = scripted { minimum = 10 }
      below.answer = 500
      send(sender, 9)
      assert.equal("closed", state(sender))
    end)

    it("forgets what is longer ago than its window", function()
      local sender, below = scripted { window = 10, minimum = 10, ratio = 0.5 }
      below.answer = 500
      for _ = 1, 100 do
        send(sender)
        below.clock.advance(1.2) -- nine in ten seconds at the most
      end
      assert.equal("closed", state(sender))
      below.clock.advance(11)
      below.answer = 200
      send(sender, 10)
      below.clock.advance(9)
      below.answer = 500
      send(sender, 9)
      assert.equal("closed", state(sender)) -- 9 of 19
      below.clock.advance(2)
      send(sender)
      assert.equal("open", state(sender)) -- 10 of 10
    end)

    it("counts server errors and what says something about the origin", function()
      for _, answer in ipairs { 500, 503, 599, "resolve", "connect", "tls", "timeout", "reset",
        "empty_reply", "truncated", "protocol" } do
        local sender, below = scripted { minimum = 2 }
        below.answer = answer
        send(sender, 2)
        assert.equal("open", state(sender), answer)
      end
    end)

    it("counts nothing else", function()
      for _, answer in ipairs { 200, 301, 400, 404, 408, 429, 499, "too_large", "refused",
        "redirect", "cancelled", "closed", "circuit_open", "rate_limited", "deadline", "script",
        "out_of_memory" } do
        local sender, below = scripted { minimum = 1, ratio = 0 }
        below.answer = answer
        send(sender, 5)
        assert.equal("closed", state(sender), answer)
      end
    end)

    it("lets what is raised below through, and counts it as nothing", function()
      local sender, below = scripted { minimum = 1, ratio = 0 }
      below.answer = function() error("raised below", 0) end
      assert.error_matches(function() send(sender) end, "^raised below$")
      assert.equal("closed", state(sender))
    end)

    it("counts by origin, by a key of one's own, or all together", function()
      local sender, below = scripted { minimum = 1 }
      below.answer = 500
      send(sender, 1, "http://user:secret@A.test:80/x?y=1")
      assert.equal("circuit_open", send(sender))
      assert.equal(500, send(sender, 1, "http://b.test/"))
      sender, below = scripted { minimum = 1, key = function(request) return request.method end }
      below.answer = 500
      send(sender)
      assert.same({ "open", "closed" }, { sender.breaker:state "GET", sender.breaker:state "PUT" })
      sender, below = scripted { minimum = 1, key = function() return nil end }
      below.answer = 500
      assert.equal(500, send(sender, 3))
      sender, below = scripted { minimum = 1, key = "all" }
      below.answer = 500
      send(sender)
      assert.equal("circuit_open", send(sender, 1, "http://b.test/"))
    end)
  end)

  describe("open", function()
    it("fails at once, says until when, and that nothing was sent", function()
      local sender, below = opened { open_for = 10 }
      local opened_at = below.clock.now()
      below.clock.advance(3)
      local response, err = sender:send { url = URL }
      assert.is_nil(response)
      assert.same({ "circuit_open", "no", false, 0 }, { err.kind, err.sent, err.retryable,
        below.count })
      assert.matches('^"http://a.test" has failed too often, it is asked again in [%d.]+ s$',
        err.message)
      assert.is_true(err.retry_at >= opened_at + 10 and err.retry_at <= opened_at + 12.5)
      assert.equal(err.retry_at - below.clock.now(), err.retry_after)
      below.clock.advance(err.retry_after - 0.001)
      assert.equal("circuit_open", send(sender))
      below.clock.advance(0.002)
      assert.equal(200, send(sender))
    end)

    it("stays so twice as long each time that it opens again, up to a cap", function()
      local sender, below = opened { open_for = 10, max_open_for = 60 }
      for _, least in ipairs { 10, 20, 40, 60, 60 } do
        local waited = pass(sender, below)
        assert.is_true(waited >= least - 1e-6 and waited <= least * 1.25, waited)
        below.answer = 500
        assert.equal(500, send(sender))
        assert.equal("open", state(sender))
      end
    end)

    it("stays so for open_for where that is above the cap", function()
      local sender, below = opened { open_for = 100 }
      local waited = pass(sender, below)
      assert.is_true(waited >= 100 - 1e-6 and waited <= 125, waited)
    end)

    it("starts anew when it has been closed for a while", function()
      for _, case in ipairs { { 1, 20 }, { 31, 10 } } do
        local sender, below = opened { open_for = 10, window = 30, successes = 1, minimum = 2 }
        pass(sender, below)
        assert.equal(200, send(sender))
        assert.equal("closed", state(sender))
        below.clock.advance(case[1])
        below.answer = 500
        send(sender, 2)
        local waited = pass(sender, below)
        assert.is_true(waited >= case[2] - 1e-6 and waited <= case[2] * 1.25, waited)
      end
    end)

    it("does not count what was sent before", function()
      viesti.run(function()
        local sender, below = scripted { minimum = 2, open_for = 10, successes = 1 }
        below.answer, below.seconds = 500, 1
        local early = viesti.spawn(send, sender)
        viesti.sleep(0)
        below.answer = 500
        viesti.map({ 1, 2 }, function() send(sender) end, { concurrency = 2 })
        assert.equal("open", state(sender))
        assert.equal(500, early:join())
        assert.equal("open", state(sender))
      end)
    end)
  end)

  describe("half open", function()
    it("closes after so many successes, and counts anew", function()
      local sender, below = opened { successes = 3, minimum = 4 }
      pass(sender, below)
      send(sender, 2)
      assert.equal("half_open", state(sender))
      send(sender)
      assert.equal("closed", state(sender))
      below.answer = 500
      send(sender, 3)
      assert.equal("closed", state(sender))
    end)

    it("takes any answer but a server error for one", function()
      for _, answer in ipairs { 200, 404, 429 } do
        local sender, below = opened { successes = 1 }
        pass(sender, below)
        below.answer = answer
        assert.equal(answer, send(sender))
        assert.equal("closed", state(sender))
      end
    end)

    it("opens again at the first failure", function()
      local sender, below = opened { successes = 2 }
      pass(sender, below)
      send(sender)
      below.answer = "connect"
      assert.equal("connect", send(sender))
      assert.equal("open", state(sender))
    end)

    it("lets no more than so many go at once", function()
      viesti.run(function()
        local sender, below = opened { probes = 2, successes = 2, lease = 60 }
        pass(sender, below)
        below.seconds = 1
        local before = below.clock.now()
        local outcomes = viesti.map({ 1, 2, 3, 4 }, function()
          local kind, err = send(sender)
          return err and { kind, err.retry_at } or kind
        end, { concurrency = 4 })
        assert.same({ 200, 200, { "circuit_open", before + 60 }, { "circuit_open", before + 60 } },
          outcomes)
        assert.equal("closed", state(sender))
      end)
    end)

    it("has all its places when it comes again, whoever is still under way", function()
      viesti.run(function()
        local sender, below = opened { probes = 2, lease = 1000 }
        pass(sender, below)
        below.seconds = 500
        local slow = viesti.spawn(send, sender)
        viesti.sleep(0)
        viesti.sleep(0)
        below.seconds, below.answer = 0, 500
        assert.equal(500, send(sender))
        pass(sender, below)
        below.seconds, below.answer = 1, 200
        assert.same({ 200, 200, "circuit_open" }, viesti.map({ 1, 2, 3 }, function()
          return (send(sender))
        end, { concurrency = 3 }))
        assert.equal("closed", state(sender))
        assert.equal(200, slow:join())
      end)
    end)

    it("has the place back of a probe that is cancelled, or says nothing", function()
      viesti.run(function()
        local sender, below = opened { successes = 1 }
        pass(sender, below)
        below.seconds = 100
        local probe = viesti.spawn(send, sender)
        viesti.sleep(0)
        viesti.sleep(0)
        assert.equal("circuit_open", send(sender))
        probe:cancel()
        below.seconds = 0
        for _, answer in ipairs { "cancelled", "rate_limited", "script", "deadline" } do
          below.answer = answer
          assert.equal(answer, send(sender))
          assert.equal("half_open", state(sender))
        end
        below.answer = function() error("raised below", 0) end
        assert.is_false(pcall(send, sender))
        below.answer = 200
        assert.equal(200, send(sender))
        assert.equal("closed", state(sender))
      end)
    end)

    it("has the place back of a probe that takes too long, which counts when it returns", function()
      viesti.run(function()
        local sender, below = opened { successes = 2, lease = 60 }
        pass(sender, below)
        below.seconds = 200
        local probes = {}
        for index = 1, 2 do
          probes[index] = viesti.spawn(send, sender)
          viesti.sleep(0)
          viesti.sleep(0)
          assert.equal(index, below.count)
          assert.equal("circuit_open", send(sender))
          below.clock.advance(61)
        end
        assert.equal(200, probes[1]:join())
        assert.equal("half_open", state(sender))
        assert.equal(200, probes[2]:join())
        assert.equal("closed", state(sender))
      end)
    end)
  end)

  describe("on_change", function()
    it("is told of each change, when it is made", function()
      local told, sender = {}, nil
      local below
      sender, below = opened { successes = 1, on_change = function(origin, from, to)
        told[#told + 1] = { origin, from, to }
        assert.equal(to, not sender and to or state(sender))
      end }
      pass(sender, below)
      send(sender)
      assert.same({ { ORIGIN, "closed", "open" }, { ORIGIN, "open", "half_open" },
        { ORIGIN, "half_open", "closed" } }, told)
    end)

    it("may raise, which its caller gets, and nothing is lost", function()
      local sender, below = scripted { minimum = 1, successes = 1, on_change = function(_, _, to)
        error("told of " .. to, 0)
      end }
      below.answer = 500
      for _, step in ipairs { { 500, "open" }, { 200, "half_open" }, { 200, "closed" } } do
        below.answer = step[1]
        assert.same({ false, "told of " .. step[2] }, { pcall(send, sender) })
        assert.equal(step[2], state(sender))
        below.clock.advance(100)
      end
      assert.equal(200, send(sender))
    end)
  end)

  it("is shared by several chains, and by copies of one", function()
    local breaker = CircuitBreaker { minimum = 2, ratio = 1 }
    local first, below = scripted { breaker = breaker }
    local second = CircuitBreakingSender { breaker = breaker, sender = below, clock = below.clock }
    below.answer = 500
    send(first)
    send(second)
    for _, sender in ipairs { first, second, second:with_sender(below) } do
      assert.equal("circuit_open", send(sender))
    end
    assert.equal("CircuitBreaker{ ratio = 1, minimum = 2 }", tostring(breaker))
    assert.equal(30, breaker:describe().options.window)
    assert.equal(2, first:describe().options.minimum)
  end)

  it("knows no more than so many origins, of which it forgets none that is open", function()
    local sender, below = scripted { minimum = 1, open_for = 1000, max_open_for = 1000 }
    below.answer = 500
    send(sender)
    below.answer = 200
    for number = 1, 3000 do
      send(sender, 1, ("http://h%d.test/"):format(number))
    end
    assert.is_true(sender.breaker.count <= 1024)
    assert.equal("open", state(sender))
    below.answer = 500
    for number = 1, 1500 do
      assert.equal(500, send(sender, 1, ("http://h%d.test/"):format(number)))
    end
    assert.is_true(sender.breaker.count <= 1024)
    below.clock.advance(2000)
    below.answer = 200
    assert.equal(200, send(sender, 1, "http://new.test/"))
    assert.equal(1, sender.breaker.count)
  end)

  it("counts nothing for an origin that it has forgotten", function()
    viesti.run(function()
      local told = 0
      local sender, below = scripted { minimum = 1, on_change = function() told = told + 1 end }
      below.seconds, below.answer = 1, 500
      local early = viesti.spawn(send, sender)
      viesti.sleep(0)
      viesti.sleep(0)
      below.seconds, below.answer = 0, 200
      for number = 1, 1100 do
        send(sender, 1, ("http://h%d.test/"):format(number))
      end
      assert.equal(500, early:join())
      assert.equal(0, told)
    end)
  end)

  it("tells the time by the chain that it is in", function()
    local _, below = scripted {}
    local clock = viesti.testing.clock()
    local sender = CircuitBreakingSender { minimum = 2 }
      :with_sender(viesti.ExtendingSender:extend("Through") { sender = below, clock = clock })
    below.answer = 500
    send(sender)
    clock.advance(100)
    send(sender)
    assert.equal("closed", state(sender))
    send(sender)
    assert.equal("open", state(sender))
  end)

  it("refuses what makes no sense", function()
    for _, case in ipairs {
      { { ratio = 2 }, "ratio must be a number from 0 to 1, got 2" },
      { { windwo = 2 }, "did you mean 'window'" },
      { { breaker = CircuitBreaker(), window = 5 }, "window is an option of the CircuitBreaker" },
      { { breaker = {} }, "breaker must be a CircuitBreaker" },
    } do
      local _, message = pcall(function() CircuitBreakingSender(case[1]) end)
      assert.matches("^spec/circuit_breaking_sender_spec.lua:%d+: CircuitBreakingSender: ", message)
      assert.matches(case[2], message)
    end
  end)

  -- An origin that is down for a while, asked by many who come, go and give up.
  for seed = 1, 30 do
    it(("never lets more than its probes go, and finds what has recovered (seed %d)"):format(seed),
      function()
        viesti.run(function()
          local random = viesti.testing.clock { seed = seed }.random
          local probes = 1 + math.floor(random() * 3)
          local sender, below = scripted { window = 10, minimum = 5, probes = probes, lease = 20,
            open_for = 2, max_open_for = 16, successes = 1 + math.floor(random() * 3) }
          local under_way, down = 0, true
          local inner = below.send
          function below:send(request)
            local is_probe = state(sender) == "half_open"
            under_way = under_way + (is_probe and 1 or 0)
            assert(under_way <= probes, "too many probes")
            local _ <close> = setmetatable({}, { __close = function()
              under_way = under_way - (is_probe and 1 or 0)
            end })
            self.seconds = random() * 5
            self.answer = down and random() < 0.9 and (random() < 0.5 and 503 or "reset")
              or random() < 0.2 and "rate_limited" or 200
            return inner(self, request)
          end
          local tasks = {}
          for number = 1, 300 do
            tasks[number] = viesti.spawn(function()
              below.clock.sleep(random() * 100)
              send(sender)
            end)
          end
          for _ = 1, 100 do
            below.clock.sleep(random() * 2)
            tasks[1 + math.floor(random() * #tasks)]:cancel()
          end
          for _, task in ipairs(tasks) do
            task:join()
          end
          assert.equal(0, under_way)
          down = false
          local asked = 0
          repeat
            below.clock.advance(5)
            send(sender)
            asked = asked + 1
            assert.is_true(asked <= 40)
          until state(sender) == "closed"
        end)
      end)
  end
end)

for _, way in ipairs(ways) do
  describe("CircuitBreakingSender over " .. way.name, function()
    local server = fixture.origin()
    local promise = way:promises { timeout = 5 }

    promise("leaves an origin alone that fails, until it has recovered", function(concrete)
      local clock = viesti.testing.clock()
      local sender = CircuitBreakingSender { minimum = 3, successes = 1, sender = concrete,
        clock = clock }
      server:route("/x", { { status = 503 }, { reset = true }, { close = true }, { status = 500 },
        { body = "fine" } })
      local outcomes = {}
      for attempt = 1, 8 do
        local response, err = sender:send { method = "POST", url = server.url .. "/x" }
        outcomes[attempt] = response and response.status_code or err.kind
        if attempt > 4 and err then
          clock.advance(err.retry_after)
        end
      end
      assert.same({ 503, "reset", "empty_reply", "circuit_open", "circuit_open", 500,
        "circuit_open", 200 }, outcomes)
      assert.equal(5, server:count "/x")
      assert.equal("closed", sender.breaker:state(server.url))
    end)

    promise("opens for an origin whose streams break off", function(concrete)
      local sender = CircuitBreakingSender { minimum = 4, sender = concrete }
      server:route("/x", { close = true, raw = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01" })
      for _ = 1, 4 do
        local response = assert(sender:send { url = server.url .. "/x", stream = true })
        assert.equal("truncated", select(2, streams.read_all(response)).kind)
      end
      assert.equal("circuit_open",
        select(2, sender:send { url = server.url .. "/x", stream = true }).kind)
    end)

    promise("does not mind streams that are closed early", function(concrete)
      local sender = CircuitBreakingSender { minimum = 1, ratio = 0, sender = concrete }
      server:route("/x", { body = "0123456789" })
      for _ = 1, 3 do
        assert(sender:send { url = server.url .. "/x", stream = true }):close()
      end
      assert.equal("closed", sender.breaker:state(server.url))
    end)
  end)
end
