local fixture = require("spec.support.fixture")
local ways = require("spec.support.ways")
local viesti = require("viesti")

-- A sender that notes when what was sent, and answers with what `answers` returns.
local function recorder(clock, answer)
  local Recorder = viesti.Sender:extend("Recorder")
  Recorder.is_async = true
  local sent = {}
  function Recorder:send(request)
    sent[#sent + 1] = { at = clock.now(), url = request.url }
    return answer and answer(#sent) or viesti.Response({ status_code = 200 })
  end
  return Recorder(), sent
end

describe("RateLimitingSender", function()
  local clock, start

  before_each(function()
    clock = viesti.testing.clock()
    start = clock.now()
  end)

  local function limiting(options, answer)
    local sender, sent = recorder(clock, answer)
    options.sender, options.clock = sender, clock
    return viesti.RateLimitingSender(options), sent
  end

  local function moments(sent)
    local list = {}
    for index, entry in ipairs(sent) do
      list[index] = math.floor((entry.at - start) * 1000 + 0.5) / 1000
    end
    return list
  end

  -- Sends so many at once, in tasks. Returns the errors.
  local function send_all(sender, count, more)
    local errors = {}
    viesti.run(function()
      local tasks = {}
      for index = 1, count do
        tasks[index] = viesti.spawn(function()
          local request = { url = "http://a.example/" .. index }
          for name, value in pairs(more or {}) do
            request[name] = value
          end
          errors[index] = select(2, sender:send(request))
        end)
      end
      for _, task in ipairs(tasks) do
        task:join()
      end
    end)
    return errors
  end

  it("lets the burst go at once and the others at the rate, in their order", function()
    local sender, sent = limiting({ rate = 2, per = 4, burst = 3 })
    assert.same({}, send_all(sender, 6))
    assert.same({ 0, 0, 0, 2, 4, 6 }, moments(sent))
    for index, entry in ipairs(sent) do
      assert.equal("http://a.example/" .. index, entry.url)
    end
    assert.same({ admitted = 6, waited = 3, refused = 0, held = 0, keys = 1 }, sender.limit:stats())
  end)

  it("waits outside of tasks, too", function()
    local sender, sent = limiting({ rate = 1 })
    for _ = 1, 3 do
      assert(sender:send({ url = "http://a.example/" }))
    end
    assert.same({ 0, 1, 2 }, moments(sent))
  end)

  it("has who is no task wait behind the tasks that came before", function()
    local sender, sent = limiting({ rate = 1 })
    for index = 1, 3 do
      viesti.spawn(sender.send, sender, { url = "http://a.example/" .. index })
    end
    viesti.sleep(0)
    sender:send({ url = "http://a.example/4" })
    assert.same({ 0, 1, 2, 3 }, moments(sent))
    assert.equal("http://a.example/4", sent[4].url)
  end)

  it("has a limit for each origin, whatever user and path are, unless told otherwise", function()
    local sender, sent = limiting({ rate = 1 })
    for _, url in ipairs({ "http://a.example/", "http://b.example/", "http://u:p@a.example/x" }) do
      sender:send({ url = url })
    end
    assert.same({ 0, 0, 1 }, moments(sent))
  end)

  it("has one limit for all with a name as key, and one for each that a function names", function()
    local sender, sent = limiting({ rate = 1, key = "all" })
    sender:send({ url = "http://a.example/" })
    sender:send({ url = "http://b.example/" })
    assert.same({ 0, 1 }, moments(sent))
    sender, sent = limiting({ rate = 1, key = function(request) return request.headers.User end })
    start = clock.now()
    for _, user in ipairs({ "x", "y", "x", false, false }) do
      sender:send({ url = "http://a.example/", headers = user and { User = user } or nil })
    end
    assert.same({ 0, 0, 1, 1, 1 }, moments(sent))
  end)

  it("blames a key that is no string on the function", function()
    local sender = limiting({ rate = 1, key = function() return 1 end })
    assert.has_error(function() sender:send({ url = "http://a.example/" }) end,
      "RateLimitingSender: key must return a string, or nil for what is not counted, it "
        .. "returned 1")
  end)

  it("fails before it waits longer than max_wait, and says when to come back", function()
    local sender, sent = limiting({ rate = 1, per = 10, max_wait = 15 })
    local errors = send_all(sender, 3)
    assert.equal(2, #sent)
    local err = errors[3]
    assert.same({ "rate_limited", "no" }, { err.kind, err.sent })
    assert.same({ 20, start + 20 }, { err.retry_after, err.retry_at })
    assert.equal("rate_limited: its turn would come in 20 s, later than its max_wait (the limit "
      .. "is 1 in 10 s) (GET http://a.example/3)", tostring(err))
  end)

  it("fails before it waits past the request's deadline", function()
    local sender, sent = limiting({ rate = 1 })
    local errors = send_all(sender, 4, { deadline = start + 2 })
    assert.same({ 0, 1 }, moments(sent))
    assert.same({ "rate_limited", 2, 3 },
      { errors[3].kind, errors[3].retry_after, errors[4] and 3 })
    assert.equal("its turn would come in 2 s, later than its deadline (the limit is 1 in 1 s)",
      errors[3].message)
  end)

  it("keeps no more waiting than the queue holds", function()
    local sender, sent = limiting({ rate = 1, queue = 2 })
    local errors = send_all(sender, 5)
    assert.equal(3, #sent)
    assert.equal("2 requests are waiting already (the limit is 1 in 1 s)", errors[4].message)
    assert.equal(1, sender.limit.refused - 1)
  end)

  it("lets nobody wait in a queue of 0", function()
    local sender, sent = limiting({ rate = 1, queue = 0 })
    local errors = send_all(sender, 2)
    assert.equal(1, #sent)
    assert.equal("it would have to wait, and the queue is of 0 (the limit is 1 in 1 s)",
      errors[2].message)
  end)

  it("gives the place of a cancelled task to those behind it", function()
    local sender, sent = limiting({ rate = 1 })
    viesti.run(function()
      local tasks = {}
      for index = 1, 5 do
        tasks[index] = viesti.spawn(sender.send, sender, { url = "http://a.example/" .. index })
      end
      sender:sleep(0.5)
      tasks[2]:cancel() -- the first in line
      tasks[4]:cancel()
      tasks[5]:join()
    end)
    assert.same({ 0, 1, 2 }, moments(sent))
    assert.equal("http://a.example/5", sent[3].url)
    assert.equal(0, sender.limit.buckets["http://a.example"].turns:count())
  end)

  it("lets nobody overtake who comes when there is a token, but not yet taken", function()
    local sender, sent = limiting({ rate = 1 })
    viesti.run(function()
      for index = 1, 3 do
        viesti.spawn(sender.send, sender, { url = "http://a.example/" .. index })
      end
      sender:sleep(0.5)
      clock.advance(10)
      sender:send({ url = "http://a.example/4" })
    end)
    assert.same({ 0, 10.5, 11.5, 12.5 }, moments(sent))
    assert.equal("http://a.example/4", sent[4].url)
  end)

  describe("after a 429", function()
    local function limited(seconds)
      return viesti.Response({ status_code = 429,
        headers = seconds and { ["Retry-After"] = seconds } or nil })
    end

    it("hands it up, and lets nobody go for as long as it asks; then at the rate", function()
      local sender, sent = limiting({ rate = 10, burst = 10 }, function(number)
        return number == 1 and limited(7) or nil
      end)
      assert.equal(429, sender:send({ url = "http://a.example/" }).status_code)
      sender:send({ url = "http://b.example/" })
      send_all(sender, 3)
      assert.same({ 0, 0, 7, 7.1, 7.2 }, moments(sent))
      assert.equal(1, sender.limit:stats().held)
    end)

    it("takes it for a second where it does not say", function()
      local sender, sent = limiting({ rate = 10 }, function(number)
        return number == 1 and limited() or nil
      end)
      send_all(sender, 2)
      assert.same({ 0, 1 }, moments(sent))
    end)

    it("sends those away who would wait too long now", function()
      local sender, sent = limiting({ rate = 1, max_wait = 10 }, function(number)
        return number == 2 and limited(30) or nil
      end)
      local errors = send_all(sender, 5)
      assert.same({ 0, 1 }, moments(sent))
      for index = 3, 5 do
        assert.equal("rate_limited", errors[index].kind)
      end
      assert.equal(31, errors[3].retry_at - start)
      assert.is_true(clock.now() - start <= 2)
    end)

    it("keeps nobody past his deadline behind others who can wait", function()
      local sender, sent = limiting({ rate = 1, max_wait = 100 }, function(number)
        return number == 2 and limited(30) or nil
      end)
      local failed
      viesti.run(function()
        local tasks = {}
        for index = 1, 5 do
          tasks[index] = viesti.spawn(function()
            local _, err = sender:send({ url = "http://a.example/" .. index,
              deadline = index == 4 and start + 10 or nil })
            if err then
              failed = { index, err.kind, clock.now() - start }
            end
          end)
        end
        tasks[5]:join()
      end)
      assert.same({ 4, "rate_limited", 1 }, failed)
      assert.same({ 0, 1, 31, 32 }, moments(sent))
    end)

    it("shares that with a RetryingSender by one Cooldown", function()
      local cooldown = viesti.Cooldown()
      local sender, sent = limiting({ rate = 100, cooldown = cooldown }, function(number)
        return number == 1 and limited(5) or nil
      end)
      sender:send({ url = "http://a.example/" })
      assert.equal(5, cooldown:remaining("http://a.example", clock.now()))
      cooldown:start("http://b.example", 3, clock.now())
      sender:send({ url = "http://b.example/" })
      assert.same({ 0, 3 }, moments(sent))
    end)
  end)

  describe("that learns", function()
    local function telling(fields)
      return function(number)
        return number == 1 and viesti.Response({ status_code = 200, headers = fields }) or nil
      end
    end

    for text, fields in pairs({
      ["RateLimit"] = { RateLimit = '"default";r=4;t=20' },
      ["RateLimit and its policy"] = { RateLimit = '"x, y;r=1";r=4',
        ["RateLimit-Policy"] = '"x, y;r=1";q=100;w=20' },
      ["the slowest of several"] = { RateLimit = '"a";r=9;t=1, "b";r=4;t=20;pk=:aGk=:' },
      ["a policy alone"] = { ["RateLimit-Policy"] = '"p";q=4;w=20' },
      ["the earlier form"] = { RateLimit = "limit=10, remaining=4, reset=20" },
      ["a field for each"] = { ["RateLimit-Remaining"] = "4", ["RateLimit-Reset"] = "20" },
      ["X-RateLimit"] = { ["X-RateLimit-Remaining"] = "4", ["X-RateLimit-Reset"] = "20" },
      ["X-RateLimit with a moment"] = { Date = "Sun, 09 Sep 2001 01:46:40 GMT",
        ["X-RateLimit-Remaining"] = "4", ["X-RateLimit-Reset"] = "1000000020" },
      ["one in milliseconds"] = { Date = "Sun, 09 Sep 2001 01:46:40 GMT",
        ["X-RateLimit-Remaining"] = "4", ["X-RateLimit-Reset"] = "1000000020000" },
    }) do
      it("spreads what is left over the time, by " .. text, function()
        local sender, sent = limiting({ rate = 10, learn = true }, telling(fields))
        send_all(sender, 6)
        local list = moments(sent)
        for index = 3, 5 do
          assert.is_true(list[index] - list[index - 1] >= 4.7, table.concat(list, " "))
        end
      end)
    end

    it("sends nothing where nothing is left, until there is again", function()
      local sender, sent = limiting({ rate = 10, burst = 5, learn = true },
        telling({ RateLimit = '"default";r=0;t=20' }))
      sender:send({ url = "http://a.example/" })
      send_all(sender, 3)
      assert.same({ 0, 20, 20.1, 20.2 }, moments(sent))
    end)

    it("makes nothing of rubbish", function()
      for _, value in ipairs({ "", '"', '"a"', '"a";r=x;t=1', '"a";r=1;t=-5', "remaining=, reset=3",
        ('"a";'):rep(1000), '"a";r=1;t=99999999999999999999' }) do
        local sender, sent = limiting({ rate = 1000, learn = true }, telling({ RateLimit = value,
          ["X-RateLimit-Remaining"] = value, ["X-RateLimit-Reset"] = value }))
        start = clock.now()
        send_all(sender, 3)
        assert.same({ 0, 0.001, 0.002 }, moments(sent))
      end
    end)
  end)

  it("keeps to the limit that it shares with other chains, and under another sender", function()
    local limit = viesti.RateLimit({ rate = 1 })
    local first, sent = limiting({ limit = limit })
    local second = limiting({ limit = limit })
    second = second:with_sender(first.sender)
    for _, sender in ipairs({ first, second, first }) do
      sender:send({ url = "http://a.example/" })
    end
    assert.same({ 0, 1, 2 }, moments(sent))
  end)

  it("forgets keys that are as good as new, and has those beyond the bound share one", function()
    local sender, sent = limiting({ rate = 1, max_keys = 2 })
    for _, host in ipairs({ "a", "b", "c", "d" }) do
      sender:send({ url = ("http://%s.example/"):format(host) })
    end
    assert.same({ 0, 0, 0, 1 }, moments(sent))
    clock.advance(10)
    sender:send({ url = "http://e.example/" })
    assert.equal(1, sender.limit:stats().keys)
  end)

  it("refuses a limit beside options of its own, or neither", function()
    local limit = viesti.RateLimit({ rate = 1 })
    assert.error_matches(function() viesti.RateLimitingSender({ limit = limit, per = 2 }) end,
      "RateLimitingSender: limit and per are both given; the limit has its own")
    assert.error_matches(function() viesti.RateLimitingSender({}) end,
      "RateLimitingSender: rate or limit must be given")
    assert.has_error(function() viesti.RateLimit({}) end,
      "RateLimit: rate is missing, it must be a number from 0.001 to 1000000000")
    assert.equal("RateLimitingSender{ limit = RateLimit{ rate = 1 }, sender = SyncSender() }",
      tostring(viesti.RateLimitingSender({ limit = limit, sender = viesti.SyncSender() })))
  end)

  -- Requests come at random, some give up; by seed.
  it("never lets more than burst + rate * t / per go, nor anybody overtake or get lost", function()
    for seed = 1, 150 do
      local time = viesti.testing.clock({ seed = seed })
      clock = time
      local rate, per = 1 + math.floor(time.random() * 9), 1 + math.floor(time.random() * 3)
      local burst = 1 + math.floor(time.random() * 5)
      local sender, sent = limiting({ rate = rate, per = per, burst = burst, max_wait = 1000 })
      local order, cancelled, finished = {}, 0, 0
      viesti.run(function()
        local tasks = {}
        for index = 1, 25 do
          order[index] = "http://a.example/" .. index
          tasks[index] = viesti.spawn(function()
            assert(sender:send({ url = order[index] }))
            finished = finished + 1
          end)
          if time.random() < 0.4 then
            sender:sleep(time.random() * per)
          end
          if time.random() < 0.2 and tasks[1 + math.floor(time.random() * index)]:cancel() then
            cancelled = cancelled + 1
          end
        end
        for _, task in ipairs(tasks) do
          task:join()
        end
      end)
      assert.equal(25, finished + cancelled)
      assert.equal(finished, #sent)
      for first = 1, #sent do
        for last = first, #sent do
          local most = burst + (sent[last].at - sent[first].at) * rate / per
          assert.is_true(last - first + 1 <= most + 1e-6, "seed " .. seed)
        end
        local before = first > 1 and tonumber(sent[first - 1].url:match("%d+$")) or 0
        assert.is_true(before < tonumber(sent[first].url:match("%d+$")), "seed " .. seed)
      end
    end
  end)

  describe("over the network", function()
    local server = fixture.origin()

    for _, way in ipairs(ways) do
      it("keeps to the rate by " .. way.name, function()
        way.run(function()
          local sender <close> = viesti.RateLimitingSender({ rate = 20, sender = way.sender() })
          server:route("/x", { body = "ok" })
          local began = sender:now()
          for _ = 1, 5 do
            assert.equal("ok", sender:send({ url = server.url .. "/x" }).body)
          end
          assert.is_true(sender:now() - began >= 0.199)
        end)
        assert.equal(5, server:count("/x"))
      end)
    end
  end)
end)
