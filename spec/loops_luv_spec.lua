local uv = require("luv")
local viesti = require("viesti")
local luv = require("viesti.loops.luv")
local assert_warns_of_lost = require("spec.support.lost_failure")
local origin = require("spec.support.origin")

describe("viesti.loops.luv", function()
  local server, sender, attached, started

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
    sender, attached = viesti.AsyncSender({ timeout = 30 }), luv.attach()
    uv.update_time()
    started = uv.now()
  end)

  after_each(function()
    attached:close()
    uv.run()
    sender:close()
  end)

  local function elapsed()
    uv.update_time()
    return (uv.now() - started) / 1000
  end

  local function after(seconds, fn)
    local timer = uv.new_timer()
    timer:start(math.ceil(seconds * 1000), 0, function()
      timer:close()
      fn()
    end)
  end

  -- A luv loop waits without end, unless something ends it.
  local function run()
    local late
    local guard = uv.new_timer()
    guard:start(5000, 0, function()
      late = true
      uv.stop()
    end)
    guard:unref()
    uv.run()
    guard:close()
    assert.is_nil(late, "luv's loop did not end")
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

  it("lets requests proceed in tasks while luv's timers tick on time", function()
    local ticks, done, last, worst = 0, 0, 0, 0
    local ticker = uv.new_timer()
    ticker:start(10, 10, function()
      ticks = ticks + 1
      last, worst = elapsed(), math.max(worst, elapsed() - last - 0.01)
    end)
    for index = 1, 20 do
      viesti.spawn(function()
        local response = assert(sender:send({ url = server.url .. "/slower?" .. index }))
        done = done + #response.body
        if done == 20 then
          ticker:close()
          attached:close()
        end
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
        assert.is_true(elapsed() >= seconds)
        order[#order + 1] = seconds
      end)
    end
    viesti.spawn(function()
      viesti.sleep(0.08)
      attached:close()
    end)
    run()
    assert.same({ 0.02, 0.04, 0.06 }, order)
    assert.is_true(elapsed() < 2)
  end)

  it("wakes for what luv's own callbacks add while it waits", function()
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

  it("wakes those that join a task which luv's own callbacks cancel", function()
    local task = viesti.spawn(sender.send, sender, { url = server.url .. "/hang" })
    local err
    viesti.spawn(function()
      err = select(2, task:join())
      attached:close()
    end)
    after(0.05, function() task:cancel() end)
    run()
    assert.equal("cancelled", err.kind)
    assert.is_true(elapsed() < 2)
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

  it("steps not at all while viesti has nothing to do", function()
    after(0.1, function() attached:close() end)
    assert.is_true(count_steps(run) <= 1)
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

  it("detaches when closed: luv's loop ends, and viesti's waits for another driver", function()
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
    run()
    do
      local again <close> = luv.attach()
      assert.is_function(again.close)
    end
    run()
    attached = luv.attach()
    viesti.spawn(attached.close, attached)
    run()
  end)

  it("is attached once at a time", function()
    assert.has_error(luv.attach, "viesti is attached to luv's loop already")
  end)
end)
