local viesti = require("viesti")
local origin = require("spec.support.origin")

local now = viesti.SyncSender.now

local function lasts(seconds, fn, ...)
  local started = now()
  local results = table.pack(fn(...))
  local elapsed = now() - started
  assert.is_true(elapsed >= seconds - 0.002 and elapsed < seconds + 0.5,
    ("took %g, not %g"):format(elapsed, seconds))
  return table.unpack(results, 1, results.n)
end

-- In a task, and on the main thread.
local function in_both(check)
  viesti.run(check)
  check()
end

local function assert_timed_out(seconds, result, err)
  assert.is_nil(result)
  assert.same({ "timeout", "maybe", false }, { err.kind, err.sent, err.retryable })
  assert.equal(("timeout: the task was not done within %g seconds"):format(seconds), tostring(err))
end

local function guard(events, name)
  return setmetatable({}, { __close = function() events[#events + 1] = name end })
end

describe("task:join(seconds)", function()
  it("gives what the function returned, if that comes in time", function()
    in_both(function()
      local task = viesti.spawn(function()
        viesti.sleep(0.01)
        return 1, nil, 3
      end)
      assert.same({ 1, nil, 3, n = 3 }, table.pack(task:join(10)))
      assert.same({ 1, nil, 3, n = 3 }, table.pack(task:join(0)))
    end)
  end)

  it("raises what the function raised, if that comes in time", function()
    in_both(function()
      local task = viesti.spawn(error, "reason", 0)
      assert.has_error(function() task:join(10) end, "reason")
    end)
  end)

  it("gives up when the time is over, and the task goes on", function()
    in_both(function()
      local task = viesti.spawn(function()
        viesti.sleep(0.1)
        return "done"
      end)
      assert_timed_out(0.02, lasts(0.02, task.join, task, 0.02))
      assert.equal("running", task:status())
      assert.equal("done", task:join())
    end)
  end)

  it("lets everything take one step at 0, and does not wait", function()
    in_both(function()
      local stepped = false
      local long = viesti.spawn(function()
        stepped = true
        viesti.sleep(60)
      end)
      assert_timed_out(0, lasts(0, long.join, long, 0))
      assert.is_true(stepped)
      assert.equal(5, viesti.spawn(function() return 5 end):join(0))
      long:cancel()
    end)
  end)

  it("waits as long as it takes for an endless time", function()
    in_both(function()
      assert.equal(1, viesti.spawn(function()
        viesti.sleep(0.01)
        return 1
      end):join(math.huge))
    end)
  end)

  it("leaves the loop idle where the task was done in time, or the joiner cancelled", function()
    local task = viesti.spawn(viesti.sleep, 0.01)
    local joiner = viesti.spawn(task.join, task, 60)
    viesti.spawn(task.join, task, 60):join()
    joiner:join()
    assert.is_true(viesti.loop():is_idle())
    local sleeper = viesti.spawn(viesti.sleep, 60)
    joiner = viesti.spawn(sleeper.join, sleeper, 60)
    viesti.sleep(0)
    joiner:cancel()
    sleeper:cancel()
    assert.is_true(viesti.loop():is_idle())
  end)

  it("leaves no timer behind that would end a later wait", function()
    viesti.run(function()
      local short, long = viesti.spawn(viesti.sleep, 0.01), viesti.spawn(viesti.sleep, 0.15)
      assert.equal(0, select("#", short:join(0.05)))
      assert.equal(0, select("#", long:join()))
    end)
  end)

  it("leaves no joiner behind: the task's end wakes nobody who has given up", function()
    viesti.run(function()
      local task = viesti.spawn(viesti.sleep, 0.05)
      assert_timed_out(0.01, task:join(0.01))
      lasts(0.15, viesti.sleep, 0.15)
      assert.equal("done", task:status())
    end)
  end)

  it("gives up again and again, and holds on to nothing", function()
    local kept = setmetatable({}, { __mode = "k" })
    viesti.run(function()
      local task = viesti.spawn(viesti.sleep, 60)
      kept[task] = true
      for _ = 1, 20 do
        assert_timed_out(0.001, task:join(0.001))
      end
      task:cancel()
    end)
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(kept))
  end)

  it("has a time of its own for each that joins", function()
    viesti.run(function()
      local task = viesti.spawn(viesti.sleep, 0.06)
      local outcomes = viesti.map({ 0.01, 0.5, 0.02, 0.7 }, function(seconds)
        return select("#", task:join(seconds))
      end)
      assert.same({ 2, 0, 2, 0 }, outcomes)
    end)
  end)

  it("refuses what is no time", function()
    local task = viesti.spawn(function() end)
    for _, value in ipairs({ -1, 0 / 0, "x", {} }) do
      assert.has_error(function() task:join(value) end)
    end
    task:join()
  end)
end)

describe("viesti.timeout", function()
  local server, sender

  setup(function()
    server = origin.start()
    server:route("/hang", { hang = true })
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    sender = viesti.AsyncSender()
  end)

  after_each(function()
    sender:close()
  end)

  it("returns all that the function returns, called with what follows", function()
    in_both(function()
      assert.same({ 3, nil, "x", n = 3 }, table.pack(viesti.timeout(10, function(a, b)
        viesti.sleep(0.001)
        return a + b, nil, "x"
      end, 1, 2)))
    end)
  end)

  it("raises what the function raises, whatever that is", function()
    local reason = { code = 1 }
    in_both(function()
      local ok, raised = pcall(viesti.timeout, 10, function()
        viesti.sleep(0.001)
        error(reason)
      end)
      assert.is_false(ok)
      assert.equal(reason, raised)
    end)
  end)

  it("ends the function where it waits when the time is over", function()
    in_both(function()
      local events = {}
      assert_timed_out(0.02, lasts(0.02, viesti.timeout, 0.02, function()
        local closing <close> = guard(events, "closed")
        events[#events + 1] = "started"
        viesti.sleep(60)
        events[#events + 1] = closing
      end))
      assert.same({ "started", "closed" }, events)
    end)
  end)

  it("takes its requests off the wire", function()
    in_both(function()
      local result, err = viesti.timeout(0.1, sender.send, sender, { url = server.url .. "/hang" })
      assert_timed_out(0.1, result, err)
      local deadline = now() + 5
      while server:open_connections() > 0 and now() < deadline do
        viesti.sleep(0.005)
      end
      assert.equal(0, server:open_connections())
      assert.equal(200, assert(sender:send({ url = server.url .. "/echo" })).status_code)
      sender:close()
      sender = viesti.AsyncSender()
    end)
  end)

  it("runs at 0 what need not wait, and nothing else", function()
    in_both(function()
      assert.equal(5, viesti.timeout(0, function() return 5 end))
      assert_timed_out(0, lasts(0, viesti.timeout, 0, viesti.sleep, 60))
    end)
  end)

  it("is kept within another: the shorter one strikes", function()
    in_both(function()
      local result, err = viesti.timeout(60, function()
        local inner, reason = viesti.timeout(0.01, viesti.sleep, 60)
        assert_timed_out(0.01, inner, reason)
        return "went on"
      end)
      assert.same({ "went on" }, { result, err })
      local events = {}
      assert_timed_out(0.02, lasts(0.02, viesti.timeout, 0.02, function()
        local outer <close> = guard(events, "outer")
        viesti.timeout(60, function()
          local inner <close> = guard(events, "inner")
          viesti.sleep(60)
          return inner
        end)
        return outer
      end))
      assert.same({ "inner", "outer" }, events)
    end)
  end)

  it("ends with the task that calls it", function()
    viesti.run(function()
      local events = {}
      local task = viesti.spawn(viesti.timeout, 60, function()
        local inner <close> = guard(events, "closed")
        viesti.sleep(60)
        return inner
      end)
      viesti.sleep(0.01)
      assert.is_true(task:cancel())
      assert.same({ "closed" }, events)
      assert.is_true(viesti.loop():is_idle())
    end)
  end)

  it("ends where it next waits if it cancels the task that calls it", function()
    viesti.run(function()
      local events = {}
      local task
      task = viesti.spawn(viesti.timeout, 60, function()
        local inner <close> = guard(events, "closed")
        task:cancel()
        events[#events + 1] = "goes on"
        viesti.sleep(60)
        return inner
      end)
      assert.equal("cancelled", select(2, task:join()).kind)
      viesti.sleep(0)
      assert.same({ "goes on", "closed" }, events)
      assert.is_true(viesti.loop():is_idle())
    end)
  end)

  it("says which error it was, if the request's own time was over first", function()
    local hasty <close> = viesti.AsyncSender({ timeout = 0.05 })
    in_both(function()
      local _, err = viesti.timeout(10, hasty.send, hasty, { url = server.url .. "/hang" })
      assert.equal("timeout", err.kind)
      assert.equal("maybe", err.sent)
    end)
  end)

  it("refuses what is no time, and no function", function()
    for value, given in pairs({ [-1] = "-1", x = '"x"', [print] = "a function" }) do
      assert.has_error(function() viesti.timeout(value, print) end,
        "timeout needs seconds, a number of 0 or more, got " .. given)
    end
    assert.has_error(function() viesti.timeout(0 / 0, print) end)
    assert.has_error(function() viesti.timeout(1) end, "timeout needs a function, got nothing")
  end)
end)
