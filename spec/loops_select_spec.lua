local socket = require("socket")
local viesti = require("viesti")
local adapter = require("viesti.loops.select")
local assert_warns_of_lost = require("spec.support.lost_failure")
local origin = require("spec.support.origin")

describe("viesti.loops.select", function()
  local plain = socket.select
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
    sender, attached = viesti.AsyncSender({ timeout = 30 }), adapter.attach()
    started = socket.gettime()
  end)

  after_each(function()
    attached:close()
    sender:close()
    assert.equal(plain, socket.select)
  end)

  local function elapsed()
    return socket.gettime() - started
  end

  -- Two sockets connected to each other.
  local function pair()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local address, port = listener:getsockname()
    local here = assert(socket.connect(address, port))
    local there = assert(listener:accept())
    listener:close()
    return here, there
  end

  -- A program's loop with timers of its own: a list of { at = moment, fn }, the next one first.
  local function loop_until(done, timers, readers)
    local turns = 0
    while not done() do
      assert.is_true(elapsed() < 5, "the loop did not end")
      local timer = timers and timers[1]
      local wait = timer and math.max(0, timer.at - elapsed())
      local readable = socket.select(readers or {}, {}, wait)
      if timer and elapsed() >= timer.at then
        table.remove(timers, 1)[1]()
      end
      for _, reader in ipairs(readable) do
        reader:receive(1)
      end
      turns = turns + 1
    end
    return turns
  end

  it("lets requests proceed in tasks while the program's timers tick on time", function()
    local ticks, done, last, worst, timers = 0, 0, 0, 0, {}
    local function tick()
      ticks = ticks + 1
      last, worst = elapsed(), math.max(worst, elapsed() - last - 0.01)
      timers[1] = { at = (ticks + 1) * 0.01, tick }
    end
    timers[1] = { at = 0.01, tick }
    for index = 1, 20 do
      viesti.spawn(function()
        local response = assert(sender:send({ url = server.url .. "/slower?" .. index }))
        done = done + #response.body
      end)
    end
    loop_until(function() return done == 20 end, timers)
    assert.is_true(elapsed() < 3)
    assert.is_true(ticks >= 10, ticks .. " ticks")
    assert.is_true(worst < 0.3, ("a tick came %.3f s late"):format(worst))
  end)

  it("wakes for a response by the descriptor alone, and does not spin", function()
    local response
    viesti.spawn(function()
      response = assert(sender:send({ url = server.url .. "/slow" }))
    end)
    local turns = loop_until(function() return response end)
    assert.is_true(elapsed() < 2)
    assert.is_true(turns < 30, turns .. " turns: it spins")
  end)

  it("wakes tasks that sleep, in their order", function()
    local order = {}
    for _, seconds in ipairs({ 0.06, 0.02, 0.04 }) do
      viesti.spawn(function()
        viesti.sleep(seconds)
        order[#order + 1] = seconds
      end)
    end
    loop_until(function() return order[3] end)
    assert.same({ 0.02, 0.04, 0.06 }, order)
    assert.is_true(elapsed() >= 0.06 and elapsed() < 2)
  end)

  it("wakes for what the program adds", function()
    local ran, status
    local function add()
      viesti.spawn(function()
        ran = elapsed()
        status = assert(sender:send({ url = server.url .. "/slow" })).status_code
      end)
    end
    loop_until(function() return status end, { { at = 0.05, add } })
    assert.is_true(ran >= 0.05 and ran < 1, tostring(ran))
    assert.equal(200, status)
  end)

  it("warns of a task that failed when it is collected and nobody has joined it", function()
    local over = false
    assert_warns_of_lost(sender, server.url .. "/echo", function()
      loop_until(function() return over end)
    end, function() over = true end)
  end)

  it("keeps the time limits of requests", function()
    local hasty <close> = viesti.AsyncSender({ timeout = 0.05 })
    local err
    viesti.spawn(function()
      err = select(2, hasty:send({ url = server.url .. "/hang" }))
    end)
    loop_until(function() return err end)
    assert.equal("timeout", err.kind)
    assert.is_true(elapsed() < 2)
  end)

  it("answers about the program's sockets as LuaSocket does", function()
    local here, there = pair()
    local idle, nobody = pair()
    there:send("x")
    viesti.spawn(function() end)
    local readers = { idle, here }
    local readable, writable, problem = socket.select(readers, { there }, 1)
    assert.same({ here, [here] = 1 }, readable)
    assert.same({ there, [there] = 1 }, writable)
    assert.is_nil(problem)
    assert.same({ idle, here }, readers)
    for _, each in ipairs({ here, there, idle, nobody }) do
      each:close()
    end
  end)

  it("keeps the positions right when viesti's descriptor is ready beside sockets", function()
    local low_here, low_there = pair()
    local task = viesti.spawn(sender.send, sender, { url = server.url .. "/slow" })
    socket.select({}, {}, 0.01)
    socket.sleep(0.3)
    local high_here, high_there = pair()
    low_there:send("x")
    high_there:send("x")
    local readable = socket.select({ high_here, low_here }, nil, 1)
    assert.equal(2, #readable)
    for index = 1, 2 do
      assert.equal(index, readable[readable[index]])
    end
    local count = 0
    for _ in pairs(readable) do
      count = count + 1
    end
    assert.equal(4, count)
    assert.equal(200, task:join().status_code)
    for _, each in ipairs({ low_here, low_there, high_here, high_there }) do
      each:close()
    end
  end)

  it("says timeout when only viesti had something to do, and when the time is up", function()
    local readable, writable, problem = socket.select({}, nil, 0.02)
    assert.same({ {}, {}, "timeout" }, { readable, writable, problem })
    assert.is_true(elapsed() >= 0.019)
    viesti.spawn(function() end)
    assert.same({ {}, {}, "timeout" }, { socket.select({}, {}, 5) })
    assert.is_true(elapsed() < 2)
  end)

  it("returns at once at 0, and waits without end for a negative time", function()
    socket.select({}, {}, 0)
    assert.is_true(elapsed() < 0.05)
    viesti.spawn(viesti.sleep, 0.03)
    socket.select({}, {}, -1)
    socket.select({}, {}, -1)
    assert.is_true(elapsed() >= 0.03 and elapsed() < 2)
  end)

  it("leaves select alone without lists, where it is a pause, and inside a task", function()
    local task = viesti.spawn(viesti.sleep, 0)
    socket.select(nil, nil, 0.03)
    assert.is_true(elapsed() >= 0.03)
    assert.equal("running", task:status())
    viesti.run(function()
      assert.same({ {}, {}, "timeout" }, { socket.select({}, {}, 0.01) })
    end)
  end)

  it("works in a coroutine of the program, too", function()
    local status
    viesti.spawn(function()
      status = assert(sender:send({ url = server.url .. "/slow" })).status_code
    end)
    coroutine.wrap(function()
      loop_until(function() return status end)
    end)()
    assert.equal(200, status)
  end)

  it("returns seldom while viesti has nothing to do, or only waits for a server", function()
    local over = false
    local function finish() over = true end
    local turns = loop_until(function() return over end, { { at = 0.1, finish } })
    assert.is_true(turns <= 3, turns .. " turns")
    over = false
    local sleeping = viesti.spawn(viesti.sleep, 60)
    local waiting = viesti.spawn(sender.send, sender, { url = server.url .. "/hang" })
    turns = loop_until(function() return over end, { { at = 0.4, finish } })
    assert.is_true(turns < 20, turns .. " turns")
    sleeping:cancel()
    waiting:cancel()
  end)

  it("puts select back when closed; viesti's loop waits for another driver", function()
    local hook = socket.select
    assert.not_equal(plain, hook)
    local task = viesti.spawn(viesti.sleep, 0.01)
    attached:close()
    attached:close()
    assert.equal(plain, socket.select)
    hook({}, {}, 0.03)
    assert.equal("running", task:status())
    task:join()
    do
      local again <close> = adapter.attach()
      assert.is_function(again.close)
      assert.not_equal(plain, socket.select)
    end
    assert.equal(plain, socket.select)
  end)

  it("is attached once", function()
    assert.has_error(function() adapter.attach() end, "viesti is attached to socket.select already")
  end)

  it("leaves alone what others have put there since", function()
    local hook = socket.select
    local function theirs(...) return hook(...) end
    socket.select = theirs
    attached:close()
    assert.equal(theirs, socket.select)
    assert.same({ {}, {}, "timeout" }, { socket.select({}, {}, 0) })
    socket.select = plain
  end)
end)
