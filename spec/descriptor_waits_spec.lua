local core = require("viesti.core")
local socket = require("socket")
local uv = require("luv")
local viesti = require("viesti")
local origin = require("spec.support.origin")

describe("core.wait_descriptor", function()
  local near, far, fd

  -- Two ends of a connection; `fd` is the near one's descriptor.
  before_each(function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    near = assert(socket.connect("127.0.0.1", port))
    far = assert(listener:accept())
    listener:close()
    near:settimeout(0)
    fd = near:getfd()
  end)

  after_each(function()
    near:close()
    far:close()
    assert.is_true(viesti.loop():is_idle())
  end)

  -- The system gives the lowest number that is free.
  local function listener_at(number)
    local listener = assert(socket.bind("127.0.0.1", 0))
    if listener:getfd() == number then
      return listener
    end
    local other <close> = setmetatable({}, { __close = function() listener:close() end })
    return other and listener_at(number)
  end

  -- So that a number is the lowest once it is free: all below it are taken, and nothing is
  -- collected meanwhile that would give one of them back.
  local function take_all_below(number)
    local taken = {}
    collectgarbage()
    collectgarbage("stop")
    finally(function()
      collectgarbage("restart")
      for _, one in ipairs(taken) do
        uv.fs_close(one)
      end
    end)
    repeat
      taken[#taken + 1] = assert(uv.fs_open("/dev/null", "r", 0))
    until taken[#taken] > number
  end

  local function say_later(text)
    return viesti.spawn(function()
      viesti.sleep(0.02)
      far:send(text)
    end)
  end

  it("waits until the descriptor can be read, while other tasks run", function()
    viesti.run(function()
      say_later("x")
      local started, turns = core.now(), 0
      local other = viesti.spawn(function()
        while true do
          turns = turns + 1
          viesti.sleep(0.001)
        end
      end)
      assert.is_true(core.wait_descriptor(fd, "r", 5))
      assert.is_true(core.now() - started >= 0.02)
      assert.equal("x", near:receive(1))
      assert.is_true(turns > 1)
      other:cancel()
    end)
  end)

  it("waits until the descriptor can be written", function()
    viesti.run(function()
      assert.is_true(core.wait_descriptor(fd, "w", 5))
      local chunk = ("x"):rep(65536)
      repeat
        local sent = near:send(chunk)
      until not sent
      assert.is_false(core.wait_descriptor(fd, "w", 0.02))
      local reader = viesti.spawn(function()
        far:settimeout(0)
        while true do
          far:receive(1000000)
          viesti.sleep(0.001)
        end
      end)
      assert.is_true(core.wait_descriptor(fd, "w", 5))
      reader:cancel()
    end)
  end)

  it("is false when the time is over", function()
    viesti.run(function()
      local started = core.now()
      assert.is_false(core.wait_descriptor(fd, "r", 0.03))
      assert.is_true(core.now() - started >= 0.03)
      assert.is_false(core.wait_descriptor(fd, "r", 0))
    end)
  end)

  it("is true, not false, where both came while nobody looked", function()
    viesti.run(function()
      local task = viesti.spawn(core.wait_descriptor, fd, "r", 0.01)
      viesti.sleep(0)
      far:send("x")
      socket.sleep(0.03)
      assert.is_true(task:join())
    end)
  end)

  it("drives the loop on the main thread", function()
    local helper = say_later("x")
    assert.is_true(core.wait_descriptor(fd, "r", 5))
    helper:join()
    near:receive(1)
    assert.is_false(core.wait_descriptor(fd, "r", 0.01))
  end)

  it("ends for all tasks that wait for the same, each by what it waits for", function()
    viesti.run(function()
      local tasks, got = {}, {}
      for index, mode in ipairs({ "r", "r", "rw", "w" }) do
        tasks[index] = viesti.spawn(function()
          got[index] = core.wait_descriptor(fd, mode, 5)
        end)
      end
      viesti.sleep(0.01)
      assert.same({ [3] = true, [4] = true }, got)
      far:send("x")
      for _, task in ipairs(tasks) do
        task:join()
      end
      assert.same({ true, true, true, true }, got)
    end)
  end)

  it("is true at the other end's close, and again after it", function()
    viesti.run(function()
      far:close()
      assert.is_true(core.wait_descriptor(fd, "r", 5))
      assert.is_true(core.wait_descriptor(fd, "r", 5))
    end)
  end)

  it("leaves nothing behind where the task is cancelled", function()
    viesti.run(function()
      local task = viesti.spawn(core.wait_descriptor, fd, "r")
      viesti.sleep(0)
      assert.is_false(viesti.loop():is_idle())
      assert.is_true(task:cancel())
      far:send("x")
      viesti.sleep(0.01)
      assert.equal("cancelled", task:status())
      assert.is_true(core.wait_descriptor(fd, "r", 5))
    end)
  end)

  it("says why what is no open descriptor cannot be waited for", function()
    viesti.run(function()
      for _, number in ipairs({ -1, 1000000, 0x7fffffff, math.maxinteger }) do
        assert.same({ nil, "Bad file descriptor" },
          { core.wait_descriptor(number, "r", 5) }, number)
      end
      near:close()
      assert.same({ nil, "Bad file descriptor" }, { core.wait_descriptor(fd, "r", 5) })
    end)
    assert.has_error(function() core.wait_descriptor(fd, "x") end,
      "bad argument #2 to 'wait_descriptor' (invalid option 'x')")
  end)

  it("takes a plain file for ready", function()
    local plain = assert(uv.fs_open("README.md", "r", 0))
    assert.is_true(core.wait_descriptor(plain, "r", 5))
    uv.fs_close(plain)
  end)

  describe("of one that is closed meanwhile", function()
    it("ends with its time", function()
      viesti.run(function()
        local task = viesti.spawn(core.wait_descriptor, fd, "r", 0.05)
        viesti.sleep(0)
        near:close()
        assert.is_false(task:join())
      end)
    end)

    it("is no hindrance to waiting for what gets its number", function()
      viesti.run(function()
        local first = viesti.spawn(core.wait_descriptor, fd, "r", 0.2)
        viesti.sleep(0)
        near:close()
        near = listener_at(fd)
        assert.is_false(core.wait_descriptor(fd, "r", 0.01))
        local address, port = near:getsockname()
        local client = assert(socket.connect(address, port))
        assert.is_true(core.wait_descriptor(fd, "r", 5))
        client:close()
        first:join()
      end)
    end)

    it("ends where the transport gets its number, whose requests proceed", function()
      local server <close> = origin.start()
      server:route("/slow", { body = "x", delay = 0.05 })
      local sender <close> = viesti.AsyncSender()
      -- Has its session's own descriptors from now on.
      assert(sender:send({ url = server.url, headers = { Connection = "close" } }))
      viesti.run(function()
        local task = viesti.spawn(core.wait_descriptor, fd, "r", 60)
        viesti.sleep(0)
        take_all_below(fd)
        near:close()
        assert.equal("x", assert(sender:send({ url = server.url .. "/slow" })).body)
        assert.is_true(task:join(5))
        assert.same({ nil, "Device or resource busy" }, { core.wait_descriptor(fd, "r", 5) })
      end)
    end)
  end)

  it("is seen by another loop that polls the one descriptor", function()
    local loop, ready = viesti.loop(), nil
    local poll = { getfd = function() return loop:fd() end }
    viesti.spawn(function() ready = core.wait_descriptor(fd, "r", 5) end)
    loop:step(0)
    assert.same({}, (socket.select({ poll }, nil, 0.02)))
    far:send("x")
    assert.equal(poll, (socket.select({ poll }, nil, 5))[1])
    loop:step(0)
    assert.is_true(ready)
    assert.same({}, (socket.select({ poll }, nil, 0.02)))
  end)

  -- Each drives its loop until the task is done; what is waited for comes meanwhile.
  local others = {
    cqueues = function(is_done)
      local controller = require("cqueues").new()
      local attached <close> = require("viesti.loops.cqueues").attach(controller)
      local deadline = core.now() + 5
      while attached and not is_done() and core.now() < deadline do
        controller:step(1)
      end
    end,
    luv = function(is_done)
      local attached = require("viesti.loops.luv").attach()
      local deadline = core.now() + 5
      while not is_done() and core.now() < deadline do
        uv.run("once")
      end
      attached:close()
      uv.run() -- luv's own handles end only so
    end,
    select = function(is_done)
      local attached <close> = require("viesti.loops.select").attach()
      local deadline = core.now() + 5
      while attached and not is_done() and core.now() < deadline do
        socket.select({}, nil, 1)
      end
    end,
  }

  for name, drive in pairs(others) do
    it("works under " .. name .. ": what comes, what is late, what is cancelled", function()
      local answers = {}
      local task = viesti.spawn(function()
        answers[1] = core.wait_descriptor(fd, "r", 0.02)
        local cancelled = viesti.spawn(core.wait_descriptor, fd, "r")
        viesti.sleep(0)
        cancelled:cancel()
        say_later("x")
        answers[2] = core.wait_descriptor(fd, "r", 5)
        answers[3] = core.wait_descriptor(fd, "w")
      end)
      drive(function() return task:status() ~= "running" end)
      assert.same({ false, true, true }, answers)
      viesti.loop():step(0)
    end)
  end
end)
