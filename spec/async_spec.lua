local viesti = require("viesti")

local function seconds_for(fn, ...)
  local clock = viesti.SyncSender()
  local started = clock:now()
  fn(...)
  return clock:now() - started
end

describe("viesti.run", function()
  it("runs a function as a task, with its arguments, and returns all its results", function()
    assert.same({ 3, nil, "x", n = 3 }, table.pack(viesti.run(function(a, b)
      viesti.sleep(0)
      return a + b, nil, "x"
    end, 1, 2)))
  end)

  it("raises what the function raises, whatever that is", function()
    local reason = { code = 1 }
    local ok, raised = pcall(viesti.run, function()
      viesti.sleep(0.001)
      error(reason)
    end)
    assert.is_false(ok)
    assert.equal(reason, raised)
  end)

  it("just calls the function inside a task", function()
    assert.equal(5, viesti.run(function()
      return viesti.run(function(x)
        viesti.sleep(0.001)
        return x
      end, 5)
    end))
  end)

  it("does not call the function later where it cannot wait for it now", function()
    local called = false
    assert.error_matches(coroutine.wrap(function()
      viesti.run(function() called = true end)
    end), "cannot wait in a coroutine that viesti does not run")
    viesti.sleep(0)
    assert.is_false(called)
  end)

  it("refuses what is no function", function()
    assert.has_error(function() viesti.run() end)
    assert.has_error(function() viesti.spawn("x") end)
  end)

  it("ends when its function does, and leaves other tasks for later", function()
    local other = viesti.spawn(viesti.sleep, 0.03)
    assert.is_true(seconds_for(viesti.run, function() end) < 0.03)
    assert.equal("running", other:status())
    other:join()
    assert.equal("done", other:status())
  end)
end)

describe("viesti.spawn", function()
  it("starts the function when the caller next waits", function()
    viesti.run(function()
      local order = {}
      local task = viesti.spawn(function(x) order[#order + 1] = x end, "task")
      order[#order + 1] = "caller"
      task:join()
      assert.same({ "caller", "task" }, order)
    end)
  end)

  it("runs thousands side by side", function()
    local count = 0
    local elapsed = seconds_for(viesti.run, function()
      local tasks = {}
      for index = 1, 5000 do
        tasks[index] = viesti.spawn(function()
          viesti.sleep(0.02)
          count = count + 1
        end)
      end
      for _, task in ipairs(tasks) do
        task:join()
      end
    end)
    assert.equal(5000, count)
    assert.is_true(elapsed < 2, "took " .. elapsed)
  end)

  it("lets the others go first at a plain coroutine.yield", function()
    local order = {}
    viesti.run(function()
      local tasks = {}
      for _, name in ipairs({ "a", "b" }) do
        tasks[#tasks + 1] = viesti.spawn(function()
          for round = 1, 3 do
            order[#order + 1] = name .. round
            coroutine.yield()
          end
        end)
      end
      tasks[1]:join()
      tasks[2]:join()
    end)
    assert.same({ "a1", "b1", "a2", "b2", "a3", "b3" }, order)
  end)

  it("lets a task use coroutines of its own", function()
    assert.same({ 1, 2, 3 }, viesti.run(function()
      local list = {}
      for value in coroutine.wrap(function()
        for index = 1, 3 do
          coroutine.yield(index)
        end
      end) do
        viesti.sleep(0)
        list[#list + 1] = value
      end
      return list
    end))
  end)
end)

describe("viesti.sleep", function()
  it("waits in a task while others run", function()
    local elapsed = seconds_for(viesti.run, function()
      local tasks = {}
      for index = 1, 10 do
        tasks[index] = viesti.spawn(viesti.sleep, 0.05)
      end
      for _, task in ipairs(tasks) do
        task:join()
      end
    end)
    assert.is_true(elapsed >= 0.05 and elapsed < 0.3, "took " .. elapsed)
  end)

  it("wakes in the order of the times, not of the calls", function()
    local order = {}
    viesti.run(function()
      local tasks = {}
      for _, milliseconds in ipairs({ 30, 10, 20, 0 }) do
        tasks[#tasks + 1] = viesti.spawn(function()
          viesti.sleep(milliseconds / 1000)
          order[#order + 1] = milliseconds
        end)
      end
      tasks[1]:join()
    end)
    assert.same({ 0, 10, 20, 30 }, order)
  end)

  it("drives the loop when called outside a task", function()
    local ran = false
    local task = viesti.spawn(function()
      viesti.sleep(0.01)
      ran = true
    end)
    local elapsed = seconds_for(viesti.sleep, 0.03)
    assert.is_true(ran and elapsed >= 0.03 and elapsed < 0.3)
    assert.equal("done", task:status())
  end)

  it("refuses what is no time, and to wait in a coroutine that viesti does not run", function()
    for _, value in ipairs({ -1, 0 / 0, "x", {} }) do
      assert.has_error(function() viesti.sleep(value) end)
    end
    assert.error_matches(coroutine.wrap(function() viesti.sleep(0) end),
      "sleep cannot wait in a coroutine that viesti does not run; start it with viesti.spawn")
  end)
end)

describe("a task", function()
  it("gives what its function returned, to everyone who joins, before and after its end", function()
    viesti.run(function()
      local task = viesti.spawn(function()
        viesti.sleep(0.01)
        return 1, nil, 3
      end)
      local others = {}
      for index = 1, 3 do
        others[index] = viesti.spawn(function() return (select("#", task:join())) end)
      end
      assert.same({ 1, nil, 3, n = 3 }, table.pack(task:join()))
      for _, other in ipairs(others) do
        assert.equal(3, other:join())
      end
      assert.equal(1, (task:join()))
      assert.equal("done", task:status())
    end)
  end)

  it("may be joined from the main thread, which drives the loop", function()
    local task = viesti.spawn(function()
      viesti.sleep(0.01)
      return "x"
    end)
    assert.equal("running", task:status())
    assert.equal("x", task:join())
  end)

  it("prints as what has become of it", function()
    viesti.run(function()
      local task, failing = viesti.spawn(viesti.sleep, 0), viesti.spawn(error, "x")
      local cancelled = viesti.spawn(viesti.sleep, 9)
      assert.equal("Task(running)", tostring(task))
      task:join()
      pcall(failing.join, failing)
      cancelled:cancel()
      assert.same({ "Task(done)", "Task(failed)", "Task(cancelled)" },
        { tostring(task), tostring(failing), tostring(cancelled) })
    end)
  end)

  it("raises at its joiner what it raised, each time", function()
    viesti.run(function()
      local task = viesti.spawn(error, "reason", 0)
      for _ = 1, 2 do
        assert.has_error(function() task:join() end, "reason")
      end
      assert.equal("failed", task:status())
    end)
  end)

  it("cannot join or cancel itself", function()
    viesti.run(function()
      local task
      task = viesti.spawn(function()
        assert.error_matches(function() task:join() end, "a task cannot join itself")
        assert.error_matches(function() task:cancel() end, "a task cannot cancel itself")
        return "fine"
      end)
      assert.equal("fine", task:join())
    end)
  end)

  describe("cancelled", function()
    it("ends where it waits, with its to-be-closed variables closed", function()
      viesti.run(function()
        local events = {}
        local task = viesti.spawn(function()
          local guard <close> = setmetatable({}, { __close = function()
            events[#events + 1] = "closed"
          end })
          events[#events + 1] = "started"
          viesti.sleep(60)
          events[#events + 1] = guard
        end)
        viesti.sleep(0.001)
        assert.is_true(task:cancel())
        assert.same({ "started", "closed" }, events)
        assert.equal("cancelled", task:status())
        local result, err = task:join()
        assert.is_nil(result)
        assert.same({ "cancelled", "maybe", "cancelled: the task was cancelled" },
          { err.kind, err.sent, tostring(err) })
      end)
    end)

    it("never starts if it has not", function()
      viesti.run(function()
        local started = false
        local task = viesti.spawn(function() started = true end)
        assert.is_true(task:cancel())
        viesti.sleep(0.002)
        assert.is_false(started)
      end)
    end)

    it("wakes those who join it", function()
      viesti.run(function()
        local sleeper = viesti.spawn(viesti.sleep, 60)
        local joiner = viesti.spawn(function() return select(2, sleeper:join()).kind end)
        viesti.sleep(0.001)
        sleeper:cancel()
        assert.equal("cancelled", joiner:join())
      end)
    end)

    it("leaves alone what it joined", function()
      viesti.run(function()
        local sleeper = viesti.spawn(function()
          viesti.sleep(0.01)
          return "x"
        end)
        local joiner = viesti.spawn(sleeper.join, sleeper)
        viesti.sleep(0.001)
        assert.is_true(joiner:cancel())
        assert.equal("x", sleeper:join())
      end)
    end)

    it("is so once: afterwards, and after its end, there is nothing to cancel", function()
      viesti.run(function()
        local cancelled, done = viesti.spawn(viesti.sleep, 60), viesti.spawn(print, nil)
        done:cancel()
        local finished = viesti.spawn(function() return 1 end)
        finished:join()
        assert.is_true(cancelled:cancel())
        assert.is_false(cancelled:cancel() or finished:cancel() or done:cancel())
        assert.equal(1, finished:join())
      end)
    end)

    it("is so with its block, as a to-be-closed variable", function()
      viesti.run(function()
        local kept
        do
          local task <close> = viesti.spawn(viesti.sleep, 60)
          kept = task
        end
        assert.equal("cancelled", kept:status())
      end)
    end)
  end)

  describe("that would wait for itself", function()
    local message = "deadlock: the task to be joined waits for who joins it, by itself or through "
      .. "others"

    it("is told so, and where, whatever else goes on", function()
      viesti.run(function()
        local _ <close> = viesti.spawn(viesti.sleep, 60)
        local first, second, third
        first = viesti.spawn(function() return second:join() end)
        second = viesti.spawn(function() return third:join() end)
        third = viesti.spawn(function()
          local ok, reason = pcall(function() first:join() end)
          return not ok and reason
        end)
        local reason = first:join(5)
        assert.equal(message, reason and reason:match "^[^:]+async_spec%.lua:%d+: (.*)$")
      end)
    end)

    it("may do so for a while", function()
      viesti.run(function()
        local first, second
        first = viesti.spawn(function() return second:join() end)
        second = viesti.spawn(function() return select(2, first:join(0.01)).kind end)
        assert.equal("timeout", first:join(5))
        first = viesti.spawn(function() return select(2, second:join(0.01)).kind end)
        second = viesti.spawn(function() return first:join() end)
        assert.equal("timeout", second:join(5))
      end)
    end)

    it("is none where the other no longer waits", function()
      viesti.run(function()
        local first, second
        first = viesti.spawn(function() second:join() end)
        second = viesti.spawn(function()
          viesti.sleep(0)
          first:cancel()
          return first:join()
        end)
        assert.equal("cancelled", select(2, second:join(5)).kind)
      end)
    end)
  end)
end)
