local viesti = require("viesti")

describe("viesti.testing.clock", function()
  it("wakes a crowd in the order of their moments, and of those alike who came first", function()
    local clock = viesti.testing.clock({ seed = 7 })
    local start, woken = clock.now(), {}
    viesti.run(function()
      local tasks = {}
      for number = 1, 5000 do
        tasks[number] = viesti.spawn(function()
          local seconds = math.floor(clock.random() * 1000)
          clock.sleep(seconds)
          assert.equal(start + seconds, clock.now())
          woken[#woken + 1] = { seconds, number }
        end)
      end
      for _, task in ipairs(tasks) do
        task:join()
      end
    end)
    assert.equal(5000, #woken)
    for index = 2, #woken do
      local before, after = woken[index - 1], woken[index]
      assert.is_true(before[1] < after[1] or before[1] == after[1] and before[2] < after[2])
    end
  end)

  it("does not wait for who was cancelled, nor forget the others", function()
    local clock = viesti.testing.clock()
    local start = clock.now()
    viesti.run(function()
      local tasks = {}
      for seconds = 1, 100 do
        tasks[seconds] = viesti.spawn(function()
          clock.sleep(seconds)
          return clock.now() - start
        end)
      end
      viesti.sleep(0)
      for seconds = 1, 100 do
        if seconds % 3 ~= 0 then
          tasks[seconds]:cancel()
        end
      end
      for seconds = 3, 100, 3 do
        assert.equal(seconds, tasks[seconds]:join())
      end
    end)
    assert.equal(99, clock.now() - start)
  end)

  it("waits for tasks that wake each other, however many they are", function()
    local clock = viesti.testing.clock()
    local start = clock.now()
    viesti.run(function()
      local sleeper = viesti.spawn(clock.sleep, 10)
      local function chain(left)
        return left == 0 and clock.now() or viesti.spawn(chain, left - 1):join()
      end
      assert.equal(start, chain(100))
      sleeper:join()
      assert.equal(start + 10, clock.now())
    end)
  end)

  it("stands still where everybody was cancelled, and goes on with who comes after", function()
    local clock = viesti.testing.clock()
    local start = clock.now()
    viesti.run(function()
      local task = viesti.spawn(clock.sleep, 10)
      viesti.sleep(0)
      task:cancel()
      viesti.sleep(0.01)
      assert.equal(start, clock.now())
      clock.sleep(5)
      assert.equal(start + 5, clock.now())
    end)
  end)
end)
