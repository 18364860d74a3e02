local socket = require("socket")
local viesti = require("viesti")
local open_descriptors = require("spec.support.open_descriptors")
local origin = require("spec.support.origin")

local LARGE = ("x"):rep(8 * 1024 * 1024)
local HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

-- A listener that nobody accepts from: a connection is made, and nothing is read.
local function deaf_listener(backlog)
  local listener = assert(socket.bind("127.0.0.1", 0, backlog))
  local _, port = listener:getsockname()
  return listener, math.tointeger(tonumber(port))
end

-- One whose queue is full: the handshake is never answered. Kept open by what is returned first.
local function full_listener()
  local listener, port = deaf_listener(0)
  local kept = { listener }
  for index = 2, 4 do
    kept[index] = socket.tcp()
    kept[index]:settimeout(0)
    kept[index]:connect("127.0.0.1", port)
  end
  return kept, port
end

local Waiting = viesti.ExtendingSender:extend("WaitingSender")

function Waiting:send(request)
  self:sleep(60)
  return self.sender:send(request)
end

-- Each says where a task waits: what it does, what must be there before, and the session's options.
local moments = {
  { "before its first step", at_once = true, act = function() end },
  { "asleep", act = function() viesti.sleep(60) end },
  { "joining", act = function(it) it.helper:join() end },
  { "joining for some time", act = function(it) it.helper:join(60) end },
  { "in viesti.timeout", act = function(it) viesti.timeout(60, it.send, it, "/hang") end },
  { "in viesti.map", act = function(it)
    viesti.map({ 1, 2, 3 }, function() return it:send("/hang") end)
  end },
  { "queued behind max_connections", options = { max_connections = 1 },
    before = function(it)
      it.holder = viesti.spawn(it.send, it, "/hang")
      it:until_requested("/hang")
    end,
    act = function(it) it:send("/echo") end,
    after = function(it) it.holder:cancel() end },
  { "connecting",
    before = function(it) it.kept, it.port = full_listener() end,
    act = function(it) it.sender:send({ url = "http://127.0.0.1:" .. it.port }) end,
    after = function(it)
      for _, each in ipairs(it.kept) do
        each:close()
      end
    end },
  { "sending a large body",
    before = function(it) it.listener, it.port = deaf_listener() end,
    act = function(it)
      it.sender:send({ method = "POST", url = "http://127.0.0.1:" .. it.port, content = LARGE })
    end,
    after = function(it) it.listener:close() end },
  { "in a body's reader that sleeps", act = function(it)
    it.sender:send({ method = "POST", url = it.url .. "/echo",
      content = function() viesti.sleep(60) end })
  end },
  { "in a body's reader that sends", act = function(it)
    it.sender:send({ method = "POST", url = it.url .. "/echo",
      content = function() return assert(it:send("/hang")).body end })
  end },
  { "waiting for the head", act = function(it) it:send("/hang") end, path = "/hang" },
  { "in a body", act = function(it) it:send("/half") end, path = "/half" },
  { "reading a streamed body", path = "/half", act = function(it)
    local response = it.sender:send({ url = it.url .. "/half", stream = true })
    for _ in response:chunks() do
      it.read = true
    end
  end },
  { "in a retry's wait", path = "/status/503", act = function(it)
    viesti.RetryingSender({ retries = 3, sender = it.sender,
      backoff = { base = 60, cap = 60, jitter = "none" } })
      :send({ url = it.url .. "/status/503" })
  end },
  { "in a rate limit's wait", path = "/limited", act = function(it)
    viesti.RetryingSender({ sender = it.sender }):send({ url = it.url .. "/limited" })
  end },
  { "in a layer of the user's that sleeps", act = function(it)
    Waiting({ sender = it.sender }):send({ url = it.url .. "/echo" })
  end },
  { "in a token function that sends", path = "/hang", act = function(it)
    viesti.AuthenticatingSender({ sender = it.sender, token = function()
      return assert(it:send("/hang")).body
    end }):send({ url = it.url .. "/echo" })
  end },
  { "waiting for a token that another task asks for",
    before = function(it)
      it.authenticating = viesti.AuthenticatingSender({ sender = it.sender, token = function()
        viesti.sleep(60)
      end })
      it.asking = viesti.spawn(it.authenticating.send, it.authenticating, { url = it.url })
      viesti.sleep(0)
    end,
    act = function(it) it.authenticating:send({ url = it.url }) end,
    after = function(it) it.asking:cancel() end },
}

describe("A task that is cancelled", function()
  local server
  local Moment = {}
  Moment.__index = Moment

  function Moment:send(path)
    return self.sender:send({ url = self.url .. path })
  end

  function Moment:until_requested(path)
    local deadline = socket.gettime() + 5
    while server:count(path) == 0 do
      assert.is_true(socket.gettime() < deadline, "the request did not arrive")
      viesti.sleep(0.005)
    end
  end

  setup(function()
    server = origin.start()
    viesti.SyncSender():send({ url = server.url .. "/echo" }) -- what a first request opens for good
    collectgarbage()
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    server:reset()
    server:route("/hang", { hang = true })
    server:route("/half", { raw = HEAD .. "12345", hang = true })
    server:route("/limited", { status = 429, headers = { { "Retry-After", "30" } } })
  end)

  local function new_moment(options)
    local it = setmetatable({ url = server.url, went_on = 0, closed = 0 }, Moment)
    it.sender = viesti.AsyncSender(options or {})
    it.helper = viesti.spawn(viesti.sleep, 60)
    return it
  end

  -- The task goes through `act`; whoever closes its variable and whoever goes on is counted.
  local function spawn_victim(it, act)
    return viesti.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() it.closed = it.closed + 1 end })
      act(it)
      it.went_on = it.went_on + 1
    end)
  end

  local function spawn_joiners(it, victim)
    it.outcomes = {}
    for index, seconds in ipairs({ math.huge, 60 }) do
      viesti.spawn(function()
        local result, err = victim:join(seconds)
        table.insert(it.outcomes, { index, result, err.kind })
      end)
    end
  end

  local function assert_over(it, started)
    viesti.sleep(0)
    table.sort(it.outcomes, function(a, b) return a[1] < b[1] end)
    assert.same({ { 1, nil, "cancelled" }, { 2, nil, "cancelled" } }, it.outcomes)
    assert.same({ closed = started and 1 or 0, went_on = 0 },
      { closed = it.closed, went_on = it.went_on })
  end

  local function assert_undisturbed(it, descriptors)
    local closed, went_on = it.closed, it.went_on
    assert.equal("running", it.helper:status())
    it.helper:cancel()
    assert.equal(200, assert(it:send("/echo")).status_code)
    assert.same({ closed, went_on }, { it.closed, it.went_on })
    assert.is_true(viesti.loop():is_idle())
    it.sender:close()
    assert.equal(descriptors, open_descriptors())
  end

  for _, moment in ipairs(moments) do
    it("is at an end, for everybody, once and with all that it held: " .. moment[1], function()
      viesti.run(function()
        local descriptors = open_descriptors()
        local it = new_moment(moment.options)
        if moment.before then
          moment.before(it)
        end
        local victim = spawn_victim(it, moment.act)
        spawn_joiners(it, victim)
        if not moment.at_once then
          viesti.sleep(0.02)
        end
        if moment.path then
          it:until_requested(moment.path)
          viesti.sleep(0.02)
        end
        assert.equal("running", victim:status())
        assert.is_true(victim:cancel())
        assert.same({ "cancelled", false }, { victim:status(), victim:cancel() })
        assert_over(it, not moment.at_once)
        if moment.after then
          moment.after(it)
        end
        assert_undisturbed(it, descriptors)
      end)
    end)
  end

  -- Whatever libcurl is at just then: connecting, writing, reading the head or the body.
  it("is at an end after any number of turns of the loop", function()
    server:route("/slow", { headers = { { "X-Long", ("y"):rep(2000) } }, body = ("x"):rep(100000),
      chunked = 10000, drip = { bytes = 20000, interval = 0.001 } })
    local acts = {
      function(it) it:send("/slow") end,
      function(it)
        local response <close> = it.sender:send({ url = it.url .. "/slow", stream = true })
        repeat
          local piece = response:read(5000)
        until not piece
      end,
      function(it)
        local left = 5
        it.sender:send({ method = "POST", url = it.url .. "/echo", content = function()
          viesti.sleep(0.0005)
          left = left - 1
          return left > 0 and ("x"):rep(10000) or nil
        end })
      end,
    }
    viesti.run(function()
      local descriptors = open_descriptors()
      local cancelled = 0
      for _, act in ipairs(acts) do
        for turns = 1, 25 do
          local it = new_moment()
          local victim = spawn_victim(it, act)
          for _ = 1, turns do
            viesti.sleep(turns % 2 == 0 and 0.0002 or 0)
          end
          if victim:cancel() then
            cancelled = cancelled + 1
            assert.same({ 1, 0 }, { it.closed, it.went_on })
          end
          assert_undisturbed(it, descriptors)
        end
      end
      assert.is_true(cancelled > 20, cancelled .. " were still under way")
    end)
  end)
end)

describe("What closes the variables of a task that has ended", function()
  local waits = {
    { "sleep", function() viesti.sleep(0) end },
    { "send", function() viesti.AsyncSender():send({ url = "http://127.0.0.1:1/" }) end },
    { "join", function()
      local other <close> = viesti.spawn(viesti.sleep, 60)
      other:join()
    end },
  }

  -- Why it cannot wait, in a task that goes through `act` and is cancelled then.
  local function reason_in(wait, act)
    local reason
    viesti.run(function()
      local victim <close> = viesti.spawn(function()
        local _ <close> = setmetatable({}, { __close = function()
          reason = select(2, pcall(wait))
        end })
        act()
      end)
      viesti.sleep(0)
      victim:cancel()
      pcall(victim.join, victim)
    end)
    return reason
  end

  it("is told why it cannot wait, and of no other way to start it", function()
    for why, act in pairs({ ["was cancelled"] = function() viesti.sleep(60) end,
      ["has failed"] = function() error("oops") end }) do
      for _, case in ipairs(waits) do
        assert.matches(("%s cannot wait in a task that %s$"):format(case[1], why),
          reason_in(case[2], act))
      end
    end
  end)
end)
