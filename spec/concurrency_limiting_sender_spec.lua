local core = require "viesti.core"
local viesti = require "viesti"
local fixture = require "spec.support.fixture"
local streams = require "spec.support.streams"
local ways = require "spec.support.ways"

local ConcurrencyLimit = viesti.ConcurrencyLimit
local ConcurrencyLimitingSender = viesti.ConcurrencyLimitingSender

local URL = "http://a.test/"

-- A sender that takes ten virtual seconds for each request, or what its path says: /5, /raise; and
-- knows how many are on their way, and how many were at most.
local function slow_sender(is_async)
  local Slow = viesti.Sender:extend "SlowSender"
  Slow.is_async = is_async ~= false
  function Slow:send(request)
    self.now_under_way = self.now_under_way + 1
    self.most = math.max(self.most, self.now_under_way)
    local _ <close> = setmetatable({}, { __close = function()
      self.now_under_way = self.now_under_way - 1
    end })
    self.clock.sleep(tonumber(request.url:match "/(%d+)$") or 10)
    if request.url:find "/raise" then
      error("raised below", 0)
    elseif request.url:find "/fail" then
      return nil, viesti.Error("reset", "failed below", request)
    end
    return viesti.Response { url = request.url }
  end
  local slow = Slow()
  slow.clock, slow.now_under_way, slow.most = viesti.testing.clock(), 0, 0
  return slow
end

local function limited(options)
  local slow = slow_sender()
  options.sender, options.clock = slow, slow.clock
  return ConcurrencyLimitingSender(options), slow
end

describe("ConcurrencyLimitingSender", function()
  local function in_a_task(text, check)
    it(text, function() viesti.run(check) end)
  end

  -- Sends in a task of its own that has begun when this returns.
  local function start(sender, request)
    local task = viesti.spawn(function() return sender:send(request or { url = URL }) end)
    viesti.sleep(0)
    viesti.sleep(0)
    return task
  end

  local function state(sender, key)
    return { sender.slots:state(key or "http://a.test") }
  end

  in_a_task("has no more than so many requests under way, and the others in their turn", function()
    local sender, slow = limited { limit = 3 }
    local order, before = {}, slow.clock.now()
    viesti.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function(number)
      assert(sender:send { url = URL, params = { n = number } })
      order[#order + 1] = number
    end, { concurrency = 10 })
    assert.equal(3, slow.most)
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, order)
    assert.equal(40, slow.clock.now() - before)
    assert.same({ 0, 0 }, state(sender))
  end)

  in_a_task("counts by origin, however the URL names it", function()
    local sender, slow = limited { limit = 1 }
    local tasks = {}
    for _, url in ipairs { "http://a.test/1", "https://a.test/1", "http://a.test:8080/1",
      "http://b.test/1" } do
      tasks[#tasks + 1] = start(sender, { url = url })
    end
    assert.equal(4, slow.now_under_way)
    tasks[#tasks + 1] = start(sender, { url = "http://user:secret@A.test:80/2?x=1" })
    assert.equal(4, slow.now_under_way)
    assert.same({ 1, 1 }, state(sender))
    for _, task in ipairs(tasks) do
      assert(task:join())
    end
  end)

  in_a_task("counts by a key of one's own, or all together", function()
    for _, case in ipairs {
      { function(request) return request.method end, { "GET", "POST" }, 2 },
      { "all", { "GET", "POST", "PUT" }, 1 },
      { function() return nil end, { "GET", "POST", "PUT" }, 3 },
    } do
      local sender, slow = limited { limit = 1, key = case[1] }
      viesti.map(case[2], function(method)
        assert(sender:send { method = method, url = "http://" .. method .. ".test/" })
      end, { concurrency = 5 })
      assert.equal(case[3], slow.most)
    end
    local sender = limited { limit = 1, key = function() return 5 end }
    assert.error_matches(function() sender:send { url = URL } end,
      "^ConcurrencyLimitingSender: key must return a string, or nil for what is not counted, "
        .. "it returned 5$")
  end)

  in_a_task("refuses who comes when the queue is full, at once, and nothing was sent", function()
    local sender, slow = limited { limit = 2, queue = 1 }
    local tasks = { start(sender), start(sender), start(sender) }
    local before = slow.clock.now()
    local response, err = sender:send { url = URL }
    assert.is_nil(response)
    assert.same({ "rate_limited", "no", 0 }, { err.kind, err.sent, slow.clock.now() - before })
    assert.equal('all 2 slots of "http://a.test" are taken, and 1 more wait already', err.message)
    assert.equal("http://a.test/", err.request.url)
    for _, task in ipairs(tasks) do
      assert(task:join())
    end
    assert(sender:send { url = URL })
  end)

  in_a_task("waits no longer than until the request's deadline", function()
    local sender, slow = limited { limit = 1 }
    local first = start(sender, { url = "http://a.test/100" })
    local start_of_it = slow.clock.now()
    local response, err = sender:send(viesti.Request { url = URL, deadline = start_of_it + 7 })
    assert.is_nil(response)
    assert.same({ "deadline", "no" }, { err.kind, err.sent })
    assert.equal(7, slow.clock.now() - start_of_it)
    assert.same({ 1, 0 }, state(sender))
    assert(first:join())
    assert(sender:send(viesti.Request { url = URL, deadline = slow.clock.now() + 1 }))
  end)

  in_a_task("gives a slot back once, however a request ends", function()
    for _, path in ipairs { "1", "raise", "fail" } do
      local sender = limited { limit = 1 }
      for _ = 1, 3 do
        pcall(sender.send, sender, { url = URL .. path })
        assert.same({ 0, 0 }, state(sender))
      end
    end
  end)

  in_a_task("gives back the slot, and the place in line, of who is cancelled", function()
    local sender, slow = limited { limit = 1 }
    local flying, second, third = start(sender), start(sender), start(sender)
    assert.same({ 1, 2 }, state(sender))
    second:cancel()
    assert.same({ 1, 1 }, state(sender))
    flying:cancel()
    assert.same({ 1, 0 }, state(sender)) -- it is the third one's, who has not had his turn yet
    third:cancel()
    assert.same({ 0, 0 }, state(sender))
    assert.equal(0, slow.now_under_way)
  end)

  in_a_task("is the same limit in several chains, and in copies of one", function()
    local limit = ConcurrencyLimit { limit = 2 }
    local first, slow = limited { limit = limit }
    local second = ConcurrencyLimitingSender { limit = limit, sender = slow, clock = slow.clock }
    local third = second:with_sender(slow)
    viesti.map({ first, second, third, first, second, third }, function(sender)
      assert(sender:send { url = URL })
    end, { concurrency = 6 })
    assert.equal(2, slow.most)
    assert.same({ 0, 0 }, { limit:state "http://a.test" })
    assert.equal("ConcurrencyLimit{ limit = 2 }", tostring(limit))
    assert.equal(1000, limit:describe().options.queue)
  end)

  in_a_task("remembers no more than so many keys that nobody uses", function()
    local sender = limited { limit = 1 }
    for number = 1, 3000 do
      assert(sender:send { url = ("http://h%d.test/0"):format(number) })
    end
    assert.is_true(sender.slots.count <= 1024)
    assert.same({ 0, 0 }, state(sender, "http://h1.test"))
  end)

  it("fails at once where the caller blocks, so that nobody could give a slot back", function()
    local slow = slow_sender(false)
    local sender = ConcurrencyLimitingSender { limit = 1, sender = slow, clock = slow.clock }
    local inner
    slow.clock.sleep = function() inner = inner or { sender:send { url = URL } } end
    assert(sender:send { url = URL })
    assert.is_nil(inner[1])
    assert.equal("rate_limited", inner[2].kind)
    assert.matches("^the one slot of .* is taken, and nobody gives one back while this call blocks",
      inner[2].message)
    assert(sender:send { url = URL })
  end)

  it("refuses what makes no sense", function()
    for _, case in ipairs {
      { {}, "limit is missing, it must be an integer of 1 or more or a ConcurrencyLimit" },
      { { limit = 0 }, "limit must be an integer of 1 or more or a ConcurrencyLimit, got 0" },
      { { limit = 1, queue = -1 }, "queue must be an integer of 0 or more, got %-1" },
      { { limit = ConcurrencyLimit(1), queue = 5 }, "queue is an option of the ConcurrencyLimit" },
      { { limit = 1, key = 5 }, "key must be a string or a function, got 5" },
    } do
      local _, message = pcall(function() ConcurrencyLimitingSender(case[1]) end)
      assert.matches("^spec/concurrency_limiting_sender_spec.lua:%d+: Conc[%a]+: ", message)
      assert.matches(case[2], message)
    end
  end)

  -- Whatever happens to whom: never more than `limit`, nobody forgotten, no slot lost.
  for seed = 1, 20 do
    in_a_task(("loses no slot in a crowd (seed %d)"):format(seed), function()
      local sender, slow = limited { limit = 3, queue = 20 }
      local random = viesti.testing.clock { seed = seed }.random
      local tasks = {}
      for number = 1, 100 do
        local path = ({ "1", "2", "7", "raise", "fail" })[1 + math.floor(random() * 5)]
        local deadline = random() < 0.3 and slow.clock.now() + random() * 20 or nil
        tasks[number] = viesti.spawn(function()
          slow.clock.sleep(random() * 50)
          pcall(sender.send, sender, viesti.Request { url = URL .. path, deadline = deadline })
        end)
      end
      while #tasks > 0 do
        local task = table.remove(tasks, 1 + math.floor(random() * #tasks))
        slow.clock.sleep(random())
        if random() < 0.3 then
          task:cancel()
        end
        task:join()
        assert.is_true(state(sender)[1] <= 3 and slow.now_under_way <= state(sender)[1])
      end
      assert.same({ 0, 0 }, state(sender))
      assert.is_true(slow.most <= 3)
    end)
  end
end)

for _, way in ipairs(ways) do
  describe("ConcurrencyLimitingSender over " .. way.name, function()
    local server = fixture.origin()
    local promise = way:promises { timeout = 5 }

    local function used(sender)
      return (sender.slots:state(server.url))
    end

    local function stream(sender, answer)
      server:route("/x", answer or { body = "0123456789" })
      return sender:send { url = server.url .. "/x", stream = true }
    end

    promise("holds a slot until the response is there", function(concrete)
      local sender = ConcurrencyLimitingSender { limit = 1, sender = concrete }
      for _ = 1, 3 do
        assert.equal(200, assert(sender:send { url = server.url .. "/echo" }).status_code)
        assert.equal("connect", select(2, sender:send { url = "http://127.0.0.1:1/" }).kind)
        assert.equal(0, used(sender))
      end
    end)

    promise("holds the slot of a stream until it is read, closed, or has failed", function(concrete)
      local sender = ConcurrencyLimitingSender { limit = 1, sender = concrete }
      local response = assert(stream(sender))
      assert.equal(1, used(sender))
      assert.equal("0123456789", streams.rest_of(response))
      assert.equal(0, used(sender))
      response = assert(stream(sender))
      response:close()
      response:close()
      assert.equal(0, used(sender))
      response = assert(stream(sender, { close = true,
        raw = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01" }))
      assert.equal("truncated", select(2, streams.read_all(response)).kind)
      assert.equal(0, used(sender))
      response:close()
    end)

    promise("gives back no slot twice", function(concrete)
      local sender = ConcurrencyLimitingSender { limit = 2, sender = concrete }
      local response = assert(stream(sender))
      response:close()
      response = assert(stream(sender))
      collectgarbage()
      assert.equal(1, used(sender))
      response:close()
      assert.equal(0, used(sender))
    end)

    promise("needs no slot for a stream that is over already", function(concrete)
      local sender = ConcurrencyLimitingSender { limit = 1, sender = concrete }
      local request = { method = "HEAD", url = server.url .. "/echo", stream = true }
      assert.is_true(assert(sender:send(request)).streamed)
      assert.equal(0, used(sender))
    end)

    promise("has the slot back of a stream that was dropped", function(concrete)
      local sender = ConcurrencyLimitingSender { limit = 1, sender = concrete }
      for _ = 1, 5 do
        assert(stream(sender)) -- dropped at once; who finds no slot has it collected
      end
    end)

    promise("fails at once where all slots are held by streams of the caller's", function(concrete)
      local sender = ConcurrencyLimitingSender { limit = 2, sender = concrete }
      local one, two = assert(stream(sender)), assert(stream(sender):annotated(nil, { note = 1 }))
      for _ = 1, 2 do
        local response, err = stream(sender)
        assert.is_nil(response)
        assert.equal("rate_limited", err.kind)
        assert.matches('^all 2 slots of "http://127.* are .* read or close ', err.message)
      end
      one:close()
      assert.equal(200, assert(sender:send { url = server.url .. "/echo" }).status_code)
      assert.equal("0123456789", streams.rest_of(two))
      assert.equal(0, used(sender))
    end)
  end)
end

describe("ConcurrencyLimitingSender over a socket", function()
  local server = fixture.origin()

  local function chain(limit)
    return ConcurrencyLimitingSender { limit = limit, sender = viesti.AsyncSender { timeout = 5 } }
  end

  it("never has more connections under way than that", function()
    server:route("/x", { body = ("x"):rep(100), drip = { bytes = 20, interval = 0.01 } })
    local sender <close>, most = chain(3), 0
    viesti.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function(number)
      local response = assert(sender:send { url = server.url .. "/x", stream = number % 2 == 0 })
      most = math.max(most, server:open_connections())
      return response.streamed and streams.rest_of(response)
    end, { concurrency = 10 })
    assert.is_true(most <= 3, most)
    assert.same({ 0, 0 }, { sender.slots:state(server.url) })
  end)

  it("lets the main thread wait until a task has read its stream", function()
    server:route("/x", { body = ("x"):rep(100), drip = { bytes = 50, interval = 0.05 } })
    local sender <close> = chain(1)
    local response = assert(sender:send { url = server.url .. "/x", stream = true })
    local reader = viesti.spawn(streams.rest_of, response)
    assert.equal(200, assert(sender:send { url = server.url .. "/echo" }).status_code)
    assert.equal(100, #reader:join())
  end)

  it("waits for a stream of somebody's whom something outside of the loop may wake", function()
    server:route("/x", { body = "0123456789" })
    local sender <close> = chain(1)
    local opener = viesti.spawn(function()
      local response = assert(sender:send { url = server.url .. "/x", stream = true })
      core.park()
      return streams.rest_of(response)
    end)
    local loop = viesti.loop()
    repeat
      loop:step(0.01)
    until sender.slots:state(server.url) == 1 and core.is_stalled()
    local waiting = viesti.spawn(sender.send, sender, { url = server.url .. "/echo" })
    loop:step(0.01)
    assert.same({ 1, 1 }, { sender.slots:state(server.url) })
    assert.is_true(opener:wake())
    assert.equal(200, assert(waiting:join()).status_code)
  end)

  it("says so where tasks wait for each other's streams in a circle", function()
    local sender <close> = chain(2)
    server:route("/x", { body = "0123456789" })
    local outcomes = viesti.run(function()
      return viesti.map({ 1, 2 }, function()
        local _ <close> = assert(sender:send { url = server.url .. "/x", stream = true })
        viesti.sleep(0.05)
        local another, err = sender:send { url = server.url .. "/echo" }
        return another and another.status_code or err.kind
      end, { concurrency = 2 })
    end)
    table.sort(outcomes, function(a, b) return tostring(a) < tostring(b) end)
    assert.same({ 200, "rate_limited" }, outcomes)
  end)
end)
