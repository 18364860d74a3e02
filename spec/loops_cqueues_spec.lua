local condition = require("cqueues.condition")
local cqueues = require("cqueues")
local viesti = require("viesti")
local adapter = require("viesti.loops.cqueues")
local assert_warns_of_lost = require("spec.support.lost_failure")
local origin = require("spec.support.origin")

describe("viesti.loops.cqueues", function()
  local server, sender, controller, attached, started

  setup(function()
    server = origin.start()
    server:route("/slow", { body = "x", delay = 0.15 })
    server:route("/slower", { body = "x", delay = 0.5 })
    server:route("/hang", { hang = true })
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    sender, controller = viesti.AsyncSender({ timeout = 30 }), cqueues.new()
    attached = adapter.attach(controller)
    started = cqueues.monotime()
  end)

  after_each(function()
    attached:close()
    assert(controller:loop(5))
    sender:close()
  end)

  local function elapsed()
    return cqueues.monotime() - started
  end

  local function after(seconds, fn)
    controller:wrap(function()
      cqueues.sleep(seconds)
      fn()
    end)
  end

  local function run()
    assert(controller:loop(5))
    assert.is_true(controller:empty(), "the controller's loop did not end")
  end

  local function count_steps(fn)
    local methods, count = debug.getmetatable(viesti.loop()).__index, 0
    local step = methods.step
    function methods.step(...)
      count = count + 1
      return step(...)
    end
    local ok, reason = pcall(fn)
    methods.step = step
    assert(ok, reason)
    return count
  end

  it("lets requests proceed in tasks while cqueues' timers tick on time", function()
    local ticks, done, last, worst = 0, 0, 0, 0
    controller:wrap(function()
      while done < 20 do
        cqueues.sleep(0.01)
        ticks = ticks + 1
        last, worst = elapsed(), math.max(worst, elapsed() - last - 0.01)
      end
      attached:close()
    end)
    for index = 1, 20 do
      viesti.spawn(function()
        local response = assert(sender:send({ url = server.url .. "/slower?" .. index }))
        done = done + #response.body
      end)
    end
    run()
    assert.equal(20, done)
    assert.is_true(elapsed() < 3)
    assert.is_true(ticks >= 10, ticks .. " ticks")
    assert.is_true(worst < 0.3, ("a tick came %.3f s late"):format(worst))
  end)

  it("wakes for a response by the descriptor alone", function()
    local arrived
    viesti.spawn(function()
      assert(sender:send({ url = server.url .. "/slow" }))
      arrived = elapsed()
      attached:close()
    end)
    local steps = count_steps(run)
    assert.is_true(arrived < 2)
    assert.is_true(steps < 30, steps .. " steps: it spins")
  end)

  it("wakes tasks that sleep, in their order", function()
    local order = {}
    for _, seconds in ipairs({ 0.06, 0.02, 0.04 }) do
      viesti.spawn(function()
        viesti.sleep(seconds)
        order[#order + 1] = seconds
      end)
    end
    viesti.spawn(function()
      viesti.sleep(0.08)
      attached:close()
    end)
    run()
    assert.same({ 0.02, 0.04, 0.06 }, order)
    assert.is_true(elapsed() >= 0.08 and elapsed() < 2)
  end)

  it("wakes for what cqueues' own coroutines add while it waits", function()
    local ran, status
    after(0.05, function()
      viesti.spawn(function()
        ran = elapsed()
        status = assert(sender:send({ url = server.url .. "/slow" })).status_code
        attached:close()
      end)
    end)
    run()
    assert.is_true(ran >= 0.05 and ran < 1, tostring(ran))
    assert.equal(200, status)
  end)

  it("wakes for what is added between two steps", function()
    local long <close> = viesti.spawn(viesti.sleep, 60)
    assert(controller:step(0))
    viesti.spawn(viesti.sleep, 0.01):join()
    local asleep = viesti.spawn(viesti.sleep, 0.03)
    viesti.run(function() end)
    viesti.spawn(function()
      asleep:join()
      attached:close()
    end)
    run()
    assert.is_true(elapsed() < 2)
    assert.equal("running", long:status())
  end)

  it("lets a coroutine of cqueues wait for a task by a condition", function()
    local status
    controller:wrap(function()
      local done = condition.new()
      viesti.spawn(function()
        status = assert(sender:send({ url = server.url .. "/slow" })).status_code
        done:signal()
      end)
      done:wait()
      assert.equal(200, status)
      attached:close()
    end)
    run()
    assert.equal(200, status)
  end)

  it("leaves it an error to send outside of a task, in a coroutine of cqueues", function()
    controller:wrap(function()
      assert.error_matches(function() sender:send({ url = server.url }) end,
        "a coroutine that viesti does not run; start it with viesti.spawn")
      attached:close()
    end)
    run()
  end)

  it("works in a controller that another one runs", function()
    local outer, status = cqueues.new(), nil
    outer:wrap(function() assert(controller:loop()) end)
    after(0.05, function()
      viesti.spawn(function()
        viesti.sleep(0.01)
        status = assert(sender:send({ url = server.url .. "/slow" })).status_code
        attached:close()
      end)
    end)
    assert(outer:loop(5))
    assert.equal(200, status)
  end)

  it("warns of a task that failed when it is collected and nobody has joined it", function()
    assert_warns_of_lost(sender, server.url .. "/echo", run, function() attached:close() end)
  end)

  it("keeps the time limits of requests", function()
    local hasty <close> = viesti.AsyncSender({ timeout = 0.05 })
    local err
    viesti.spawn(function()
      err = select(2, hasty:send({ url = server.url .. "/hang" }))
      attached:close()
    end)
    run()
    assert.equal("timeout", err.kind)
    assert.is_true(elapsed() < 2)
  end)

  it("steps hardly while viesti has nothing to do", function()
    after(0.1, function() attached:close() end)
    local steps = count_steps(run)
    assert.is_true(steps <= 2, steps .. " steps")
  end)

  it("steps hardly while a task sleeps or waits for a server", function()
    local sleeping = viesti.spawn(viesti.sleep, 60)
    local waiting = viesti.spawn(sender.send, sender, { url = server.url .. "/hang" })
    after(0.3, function()
      sleeping:cancel()
      waiting:cancel()
      attached:close()
    end)
    local steps = count_steps(run)
    assert.is_true(steps < 20, steps .. " steps")
  end)

  it("detaches when closed: the controller empties, viesti's loop waits for another driver",
    function()
      local task = viesti.spawn(viesti.sleep, 0.2)
      after(0.01, function() attached:close() end)
      run()
      after(0.05, function() end)
      assert.equal(0, count_steps(run))
      assert.equal("running", task:status())
      task:join()
      assert.equal("done", task:status())
    end)

  it("can be closed more than once, by its block, and attached anew", function()
    attached:close()
    attached:close()
    do
      local again <close> = adapter.attach(controller)
      assert.is_function(again.close)
    end
    run()
    attached = adapter.attach(controller)
    viesti.spawn(attached.close, attached)
    run()
  end)

  it("is attached to a controller and nothing else", function()
    local ok, raised = pcall(function() adapter.attach() end)
    assert.is_false(ok)
    assert.matches("^spec/loops_cqueues_spec.lua:%d+: attach needs a controller", raised)
  end)

  it("has cqueues' own waits where its coroutines are, not in tasks", function()
    local task = viesti.spawn(function() cqueues.sleep(0.01) end)
    controller:wrap(function()
      cqueues.sleep(0.01)
      attached:close()
    end)
    run()
    assert.equal("failed", task:status())
    assert.has_error(function() task:join() end)
  end)
end)
