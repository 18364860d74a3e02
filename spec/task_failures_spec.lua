local fresh_lua = require("spec.support.fresh_lua")
local viesti = require("viesti")

local LOST = "a task failed and nobody joined it: "

local function collect()
  collectgarbage()
  collectgarbage()
end

-- A message without its traceback.
local function first_line(message)
  return message:match "^[^\n]*"
end

local function step(count)
  for _ = 1, count or 1 do
    viesti.loop():step(0)
  end
end

describe("A task that fails", function()
  local warned, before

  before_each(function()
    warned = {}
    before = viesti.TaskWarning:set(function(message)
      warned[#warned + 1] = first_line(message)
    end)
  end)

  after_each(function()
    collect()
    viesti.TaskWarning:set(before)
  end)

  it("is warned of when it is collected and nobody has joined it", function()
    viesti.spawn(error, "lost", 0)
    step()
    collect()
    assert.same({ LOST .. "lost" }, warned)
    collect()
    viesti.run(function() end)
    assert.equal(1, #warned)
  end)

  it("is one that yields values, which are another library's wait", function()
    local closed
    local task = viesti.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      coroutine.yield({ events = "r" }, 0.5)
    end)
    local ok, raised = pcall(task.join, task)
    assert.is_false(ok)
    assert.matches("^a task yielded values, which viesti does not wait for", raised)
    assert.is_true(closed)
    assert.equal("failed", task:status())
  end)

  it("is warned of with a traceback, which whoever joins it does not get", function()
    local messages = {}
    viesti.TaskWarning:set(function(message) messages[#messages + 1] = message end)
    local function fail_within()
      viesti.sleep(0)
      error("lost")
    end
    local task = viesti.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() end })
      fail_within()
    end)
    viesti.run(viesti.sleep, 0.002)
    local _, raised = pcall(task.join, task)
    assert.equal(LOST .. raised, first_line(messages[1]))
    assert.matches("^spec/task_failures_spec.lua:%d+: lost$", raised)
    assert.matches("\nstack traceback:\n.*in upvalue 'fail_within'\n.*spec.lua:%d+: in function <",
      messages[1])
    viesti.spawn(coroutine.yield, "another library's")
    step()
    collect()
    assert.matches("\nstack traceback:\n.*yield", messages[2])
  end)

  it("is not collected while somebody may still join it", function()
    local task = viesti.spawn(error, "found", 0)
    step()
    collect()
    assert.same({}, warned)
    assert.has_error(function() task:join() end, "found")
  end)

  it("is warned of when run ends, once, even if it is joined after that", function()
    local task
    viesti.run(function()
      task = viesti.spawn(error, "late", 0)
      viesti.sleep(0.002)
    end)
    assert.same({ LOST .. "late" }, warned)
    assert.has_error(function() task:join() end, "late")
    task = nil
    collect()
    viesti.run(function() end)
    assert.equal(1, #warned)
  end)

  it("is warned of when run ends with an error, too, which is raised all the same", function()
    assert.has_error(function()
      viesti.run(function()
        viesti.spawn(error, "lost", 0)
        viesti.sleep(0.002)
        error("own", 0)
      end)
    end, "own")
    assert.same({ LOST .. "lost" }, warned)
  end)

  it("is not warned of when somebody has joined it", function()
    viesti.run(function()
      local task = viesti.spawn(error, "found", 0)
      viesti.sleep(0.002)
      assert.has_error(function() task:join() end, "found")
    end)
    collect()
    assert.same({}, warned)
  end)

  it("is not warned of when somebody is about to hear of it", function()
    local task, joiner
    viesti.run(function()
      task = viesti.spawn(function()
        coroutine.yield()
        error("found", 0)
      end)
      joiner = viesti.spawn(function() return select(2, pcall(task.join, task)) end)
      coroutine.yield()
      coroutine.yield()
    end)
    assert.same({ "failed", "running" }, { task:status(), joiner:status() })
    assert.equal("found", joiner:join())
    task = nil
    collect()
    assert.same({}, warned)
  end)

  it("is warned of when whoever was about to hear of it is cancelled before", function()
    local joiner, lost
    do
      local task = viesti.spawn(function()
        coroutine.yield()
        error("lost", 0)
      end)
      joiner = viesti.spawn(function() task:join() end)
      viesti.spawn(function()
        coroutine.yield()
        lost = task:status() == "failed" and joiner:cancel()
      end)
    end
    step(2)
    assert.is_true(lost)
    collect()
    assert.same({ LOST .. "lost" }, warned)
  end)

  it("is warned of with whatever it raised", function()
    local reasons = {
      { nil, "nil" }, { false, "false" }, { { code = 1 }, "table: 0x" }, { 42, "42" },
      { setmetatable({}, { __tostring = function() return "in words" end }), "in words" },
      { setmetatable({}, { __tostring = error }), "an error that cannot be printed" },
      { setmetatable({}, { __tostring = function() return {} end }),
        "an error that cannot be printed" },
    }
    for _, reason in ipairs(reasons) do
      viesti.spawn(error, reason[1], 0)
      step()
      collect()
      assert.equal(LOST .. reason[2], table.remove(warned):sub(1, #LOST + #reason[2]))
    end
    assert.same({}, warned)
  end)

  it("has its to-be-closed variables closed, with the error", function()
    local closed
    local task = viesti.spawn(function()
      local _ <close> = setmetatable({}, { __close = function(_, reason) closed = reason end })
      viesti.sleep(0)
      error("boom", 0)
    end)
    assert.has_error(function() task:join() end, "boom")
    assert.equal("boom", closed)
  end)

  it("may do so in closing its variables when it is cancelled: that is not lost either", function()
    local task = viesti.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() error("cannot close", 0) end })
      viesti.sleep(60)
    end)
    step()
    assert.is_true(task:cancel())
    assert.equal("failed", task:status())
    assert.has_error(function() task:join() end, "cannot close")
    viesti.run(function()
      task = viesti.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() error("cannot close", 0) end })
        viesti.sleep(60)
      end)
      viesti.sleep(0)
      task:cancel()
    end)
    assert.same({ LOST .. "cannot close" }, warned)
  end)

  it('raises out of run where TaskWarning is set to "error", the next failure later', function()
    viesti.TaskWarning:set("error")
    for _ = 1, 2 do
      viesti.spawn(error, "lost", 0)
    end
    step()
    for _ = 1, 2 do
      assert.error_matches(function() viesti.run(function() end) end, "TaskWarning: " .. LOST
        .. "lost")
    end
    viesti.run(function() end)
  end)

  it("may be one of thousands", function()
    for index = 1, 5000 do
      viesti.spawn(error, index, 0)
    end
    step()
    collect()
    assert.equal(5000, #warned)
  end)
end)

-- What is printed when the state closes, each in a Lua of its own.
describe("At the end of a program", function()
  local function printed(script)
    return (fresh_lua("local viesti = require('viesti')\n" .. script)
      :gsub("\nstack traceback:", ""):gsub("\n\t[^\n]*", ""))
  end

  it("a failure is printed that nobody has joined", function()
    assert.equal("TaskWarning: " .. LOST .. "lost", printed([[
      kept = viesti.spawn(error, "lost", 0)
      viesti.loop():step(0)
    ]]))
  end)

  it("a failure is handed to the function that TaskWarning is set to", function()
    assert.equal("heard " .. LOST .. "lost", printed([[
      viesti.TaskWarning:set(function(message) print("heard " .. message) end)
      viesti.spawn(error, "lost", 0)
      viesti.loop():step(0)
    ]]))
  end)

  it("nothing is printed of a failure that was joined or warned of before", function()
    assert.equal("", printed([[
      viesti.TaskWarning:set(function() end)
      joined = viesti.spawn(error, "x", 0)
      pcall(joined.join, joined)
      viesti.run(function()
        kept = viesti.spawn(error, "x", 0)
        viesti.sleep(0)
      end)
    ]]))
  end)

  it('a failure is printed where TaskWarning is set to "error": a finalizer cannot raise',
    function()
      assert.equal("TaskWarning: " .. LOST .. "one\nTaskWarning: " .. LOST .. "two\ngoes on",
        printed([[
          viesti.TaskWarning:set("error")
          for _, reason in ipairs { "one", "two" } do
            viesti.spawn(error, reason, 0)
            viesti.loop():step(0)
            collectgarbage()
          end
          print("goes on")
        ]]))
    end)

  it("what the function raises is printed that TaskWarning is set to", function()
    assert.equal("cannot\ngoes on", printed([[
      viesti.TaskWarning:set(function() error("cannot", 0) end)
      viesti.spawn(error, "lost", 0)
      viesti.loop():step(0)
      collectgarbage()
      print("goes on")
    ]]))
  end)

  local function left(what, it)
    return ("TaskWarning: %s, for nobody waited for %s: task:join() does, viesti.run waits for its "
      .. "own function alone"):format(what, it or "them")
  end

  it("tasks that never took a step are counted", function()
    assert.equal(left("1 task never ran", "it"), printed("viesti.spawn(print, 'ran')"))
    assert.equal(left("1 task never ran", "it"), printed([[
      viesti.run(function() viesti.spawn(print, "ran") end)
    ]]))
    assert.equal("ran\n" .. left("2 tasks never ran"), printed([[
      viesti.spawn(print, "ran")
      viesti.loop():step(0)
      for _ = 1, 3 do
        kept = viesti.spawn(print, "never")
      end
      kept:cancel()
    ]]))
  end)

  it("so are those that were cut off halfway, whatever drove them", function()
    assert.equal(left("1 task was cut off halfway", "it"), printed([[
      viesti.run(function()
        viesti.spawn(viesti.sleep, 60)
        viesti.sleep(0)
      end)
    ]]))
    assert.equal(left("1 task never ran", "it") .. "\n" .. left("2 tasks were cut off halfway"),
      printed([[
        viesti.spawn(viesti.sleep, 60)
        viesti.spawn(coroutine.yield)
        viesti.loop():step(0)
        viesti.spawn(print, "ran")
      ]]))
  end)

  it("nothing is said of tasks that have ended, were cancelled, or are driven on later", function()
    assert.equal("ran\nran", printed([[
      local task = viesti.spawn(viesti.sleep, 60)
      viesti.spawn(print, "ran"):join()
      viesti.spawn(print, "never"):cancel()
      task:cancel()
      viesti.run(function()
        task = viesti.spawn(function() viesti.sleep(0.01) print "ran" end)
        viesti.sleep(0)
      end)
      viesti.run(function() task:join() end)
      viesti.run(function()
        viesti.spawn(function() viesti.sleep(0) error "lost" end)
        viesti.TaskWarning:set(function() end)
        viesti.sleep(0.01)
      end)
    ]]))
  end)

  it("nor of those that a layer has left", function()
    assert.equal("true", printed([[
      local sender = viesti.AsyncSender {}
      local task = sender:spawn(viesti.sleep, 60)
      viesti.run(viesti.sleep, 0)
      print(task:status() == "running")
    ]]))
  end)

  it('nothing is said of them where TaskWarning is set to "ignore"', function()
    assert.equal("", printed([[
      viesti.TaskWarning:set("ignore")
      viesti.spawn(print)
      viesti.spawn(error)
      viesti.loop():step(0)
      viesti.spawn(print)
    ]]))
  end)
end)
