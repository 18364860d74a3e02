local core = require("viesti.core")
local socket = require("socket")
local viesti = require("viesti")
local origin = require("spec.support.origin")

describe("viesti.loop", function()
  local server, loop, watched

  setup(function()
    server, loop = origin.start(), viesti.loop()
    local fd = loop:fd() -- asked for once, as another loop would
    watched = { {
      getfd = function() return fd end,
      dirty = function() return false end,
    } }
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    server:reset()
  end)

  local function readable_within(seconds)
    return #socket.select(watched, nil, seconds) == 1
  end

  -- Another loop that viesti knows nothing of: select waits for the descriptor alone.
  local function drive_until(done)
    local turns = 0
    while not done() do
      assert.is_true(readable_within(5), "there is something to do and the descriptor is silent")
      loop:step(0)
      turns = turns + 1
    end
    return turns
  end

  it("is one per Lua state", function()
    assert.equal(loop, viesti.loop())
  end)

  it("is one descriptor to poll", function()
    assert.equal("integer", math.type(loop:fd()))
    assert.is_true(loop:fd() >= 0)
    assert.equal(loop:fd(), viesti.loop():fd())
  end)

  it("lets another loop drive requests, each waiting for nothing but select", function()
    local sender <close> = viesti.AsyncSender()
    server:route("/slow", { body = "x", delay = 0.1 })
    local tasks, done = {}, 0
    for index = 1, 20 do
      tasks[index] = viesti.spawn(function()
        local response = assert(sender:send({ url = server.url .. "/slow?" .. index }))
        done = done + 1
        return response.body
      end)
    end
    local started = socket.gettime()
    local turns = drive_until(function() return done == 20 end)
    assert.is_true(socket.gettime() - started < 1)
    assert.is_true(turns < 500, turns .. " turns: it spins")
    for _, task in ipairs(tasks) do
      assert.equal("x", task:join())
    end
  end)

  it("says when it must be called again even if the descriptor is silent", function()
    assert.is_nil(loop:timeout())
    local task = viesti.spawn(viesti.sleep, 0.05)
    assert.equal(0, loop:timeout())
    loop:step(0)
    local timeout = loop:timeout()
    assert.is_true(timeout > 0.03 and timeout <= 0.051)
    local turns = drive_until(function() return task:status() == "done" end)
    assert.is_true(turns <= 5)
    assert.is_nil(loop:timeout())
    assert.is_false(readable_within(0.02))
  end)

  describe("descriptor", function()
    it("is readable once a sleep is over, not before", function()
      local task = viesti.spawn(viesti.sleep, 0.1)
      loop:step(0)
      local started = socket.gettime()
      assert.is_false(readable_within(0.02))
      assert.is_true(readable_within(5))
      assert.is_true(socket.gettime() - started >= 0.09)
      drive_until(function() return task:status() == "done" end)
    end)

    it("is readable at once when a task is spawned, woken, or loses what it joins", function()
      local word, kind
      local parked = viesti.spawn(function() word = core.park() end)
      local sleeper = viesti.spawn(viesti.sleep, 60)
      viesti.spawn(function() kind = select(2, sleeper:join()).kind end)
      assert.is_true(readable_within(5))
      loop:step(0)
      assert.is_false(readable_within(0))
      parked:wake("woken")
      drive_until(function() return word end)
      assert.is_false(readable_within(0))
      sleeper:cancel()
      drive_until(function() return kind end)
      assert.same({ "woken", "cancelled" }, { word, kind })
      assert.is_false(readable_within(0))
    end)

    it("is readable at once when a request ends without a word from its server", function()
      local sender = viesti.AsyncSender()
      server:route("/hang", { hang = true })
      local err
      viesti.spawn(function() err = select(2, sender:send({ url = server.url .. "/hang" })) end)
      drive_until(function() return server:count("/hang") == 1 end)
      sender:close()
      drive_until(function() return err end)
      assert.equal("closed", err.kind)
    end)

    it("is readable at once when a connection becomes free for a request that waits", function()
      local sender <close> = viesti.AsyncSender({ max_connections = 1 })
      server:route("/half", { raw = "HTTP/1.1 200 OK\r\n\r\nx", hang = true })
      local stream, status
      viesti.spawn(function()
        stream = assert(sender:send({ url = server.url .. "/half", stream = true }))
        status = assert(sender:send({ url = server.url .. "/echo" })).status_code
      end)
      drive_until(function() return stream end)
      loop:step(0.02)
      assert.is_false(readable_within(0.02))
      stream:close()
      drive_until(function() return status end)
      assert.equal(200, status)
    end)

    it("is silent while requests wait for their server", function()
      local sender <close> = viesti.AsyncSender()
      server:route("/slow", { body = "x", delay = 0.2 })
      local task = viesti.spawn(sender.send, sender, { url = server.url .. "/slow" })
      local turns = drive_until(function() return task:status() == "done" end)
      assert.is_true(turns < 30, turns .. " turns: it spins")
    end)

    it("is right again after viesti has driven its loop itself", function()
      local asleep = viesti.spawn(viesti.sleep, 0.15)
      local soon = viesti.spawn(viesti.sleep, 0.02)
      soon:join()
      assert.is_false(readable_within(0))
      drive_until(function() return asleep:status() == "done" end)
      viesti.spawn(viesti.sleep, 0):join()
      assert.is_false(readable_within(0.02))
    end)

    it("is right again after a caller blocked on a session that the loop drives", function()
      local session <close> = viesti.Session()
      local async, sync = viesti.AsyncSender(session), viesti.SyncSender(session)
      server:route("/slow", { body = "slow", delay = 0.05 })
      server:route("/slower", { body = "slower", delay = 0.15 })
      local asleep = viesti.spawn(viesti.sleep, 0.02)
      local task = viesti.spawn(async.send, async, { url = server.url .. "/slow" })
      drive_until(function() return server:count("/slow") == 1 end)
      local before = os.clock()
      assert.equal("slower", assert(sync:send({ url = server.url .. "/slower" })).body)
      assert.is_true(os.clock() - before < 0.1, "it spins while it blocks")
      drive_until(function() return task:status() == "done" and asleep:status() == "done" end)
      assert.equal("slow", task:join().body)
    end)
  end)

  it("is idle while nothing can run, sleeps or is under way", function()
    local sender <close> = viesti.AsyncSender()
    assert.is_true(loop:is_idle())
    local task = viesti.spawn(function()
      viesti.sleep(0.01)
      assert(sender:send({ url = server.url .. "/echo" }))
      core.park()
    end)
    assert.is_false(loop:is_idle())
    local before = server:count("/echo")
    drive_until(function() return loop:is_idle() end)
    assert.equal(before + 1, server:count("/echo"))
    assert.equal("running", task:status())
    task:wake()
    assert.is_false(loop:is_idle())
    task:join()
    assert.is_true(loop:is_idle())
  end)

  it("lets nobody wait for a wake by a task that has ended", function()
    local early, late
    local ended = viesti.spawn(function() end)
    local waker = viesti.spawn(viesti.sleep, 60)
    viesti.spawn(function() early = core.park(waker) end)
    drive_until(function() return ended:status() == "done" end)
    viesti.spawn(function() late = core.park(ended) end)
    drive_until(function() return late ~= nil end)
    assert.is_nil(early)
    waker:cancel()
    drive_until(function() return early ~= nil end)
    assert.same({ false, false }, { early, late })
  end)

  it("keeps the time limits of requests under another loop, too", function()
    local sender <close> = viesti.AsyncSender({ timeout = 0.1 })
    server:route("/hang", { hang = true })
    local kind
    viesti.spawn(function()
      kind = select(2, sender:send({ url = server.url .. "/hang" })).kind
    end)
    local started = socket.gettime()
    drive_until(function() return kind end)
    assert.equal("timeout", kind)
    assert.is_true(socket.gettime() - started < 0.5)
  end)

  describe("step", function()
    it("waits as long as it is told, or until something is due", function()
      local started = socket.gettime()
      loop:step(0.03)
      local elapsed = socket.gettime() - started
      assert.is_true(elapsed >= 0.029 and elapsed < 0.2)
      local task = viesti.spawn(viesti.sleep, 0.02)
      started = socket.gettime()
      for _ = 1, 3 do
        loop:step(5)
        if task:status() == "done" then
          break
        end
      end
      assert.equal("done", task:status())
      assert.is_true(socket.gettime() - started < 0.5)
    end)

    it("never waits at 0", function()
      local started = socket.gettime()
      for _ = 1, 100 do
        loop:step(0)
      end
      assert.is_true(socket.gettime() - started < 0.05)
    end)

    it("cannot be called from inside a task", function()
      viesti.run(function()
        assert.error_matches(function() loop:step(0) end,
          "loop:step cannot be called from inside a task")
      end)
    end)

    it("cannot be called while the loop is being driven", function()
      local message
      viesti.run(function()
        local thread = coroutine.create(function() loop:step(0) end)
        message = select(2, coroutine.resume(thread))
      end)
      assert.matches("loop:step cannot wait in a coroutine that viesti does not run", message)
    end)

    it("refuses a time that is none", function()
      assert.has_error(function() loop:step(-1) end)
      assert.has_error(function() loop:step("x") end)
    end)
  end)

  it("survives a task that fails, and one that cancels another, in the same turn", function()
    local before = viesti.TaskWarning:set("ignore")
    local victim = viesti.spawn(viesti.sleep, 60)
    local first = viesti.spawn(error, "boom")
    local second = viesti.spawn(function() return victim:cancel() end)
    drive_until(function() return second:status() == "done" end)
    assert.same({ "failed", "cancelled", true },
      { first:status(), victim:status(), second:join() })
    viesti.run(function() end)
    viesti.TaskWarning:set(before)
  end)
end)
