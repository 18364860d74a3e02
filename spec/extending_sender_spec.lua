local viesti = require("viesti")
local fixture = require("spec.support.fixture")

local ExtendingSender = viesti.ExtendingSender

describe("ExtendingSender", function()
  local server = fixture.origin()

  -- A layer that stamps requests and sends again, a moment later, what is not ready.
  local Polling = ExtendingSender:extend("PollingSender", {
    { name = "pause", type = "number", default = 0.02, min = 0, doc = "seconds between tries" },
  })

  function Polling:send(request)
    request = viesti.Request.from(request):with({ headers = { ["X-Stamp"] = "yes" } })
    local response, err = self.sender:send(request)
    while response and response.status_code == 202 do
      self:sleep(self.pause)
      response, err = self.sender:send(request)
    end
    return response, err
  end

  it("hands requests on by itself, over a SyncSender where none is given", function()
    local sender <close> = ExtendingSender()
    assert.equal("ExtendingSender{ sender = SyncSender() }", tostring(sender))
    assert.equal(200, assert(sender:send({ url = server.url .. "/echo" })).status_code)
    assert.equal("connect", select(2, sender:send({ url = "http://127.0.0.1:1/" })).kind)
  end)

  for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
    it("lets one send serve over a " .. kind, function()
      local sender <close> = Polling({ sender = viesti[kind]() })
      server:route("/x", { { status = 202 }, { status = 202 }, { body = "ready" } })
      local started = sender:now()
      local response = viesti.run(sender.send, sender, { url = server.url .. "/x" })
      assert.equal("ready", response.body)
      assert.is_true(sender:now() - started >= 0.04)
      for _, request in ipairs(server:requests()) do
        assert.equal("yes", request.header("X-Stamp"))
      end
      assert.equal(3, server:count("/x"))
    end)
  end

  it("lets many tasks stand in the same send at once", function()
    local sender <close> = Polling({ pause = 0.1, sender = viesti.AsyncSender() })
    local urls = {}
    for index = 1, 50 do
      urls[index] = server.url .. "/x?" .. index
      server:route("/x?" .. index, { { status = 202 }, { body = tostring(index) } })
    end
    local started = sender:now()
    local responses = viesti.map(urls, function(url) return sender:send({ url = url }) end,
      { concurrency = 50 })
    for index, response in ipairs(responses) do
      assert.equal(tostring(index), response.body)
    end
    assert.is_true(sender:now() - started < 1)
  end)

  it("delegates is_async, sleep, now and close to the sender inside", function()
    local calls = {}
    local Inner = viesti.Sender:extend("Inner")
    Inner.is_async = true
    function Inner:send() end
    for _, name in ipairs({ "sleep", "now", "close" }) do
      Inner[name] = function(_, argument)
        table.insert(calls, { name, argument })
        return name
      end
    end
    local sender = ExtendingSender(Polling({ sender = Inner() }))
    assert.is_true(sender.is_async)
    assert.same({ "sleep", "now", "close" }, { sender:sleep(3), sender:now(), sender:close() })
    assert.same({ { "sleep", 3 }, { "now" }, { "close" } }, calls)
    assert.is_false(ExtendingSender(viesti.SyncSender()).is_async)
  end)

  it("closes the sender inside as a to-be-closed variable", function()
    local concrete = viesti.SyncSender()
    do
      local sender <close> = Polling({ sender = ExtendingSender(concrete) })
      assert.is_false(concrete.session:is_closed(), sender)
    end
    assert.is_true(concrete.session:is_closed())
  end)

  it("prints a layer of one's own with its options, then its sender", function()
    assert.equal("PollingSender{ pause = 0.5, sender = SyncSender() }",
      tostring(Polling({ pause = 0.5 })))
    assert.same({ class = "PollingSender", options = { pause = 0.02 },
      sender = viesti.SyncSender():describe() }, Polling():describe())
  end)

  it("takes positions in the order declared, the sender last", function()
    local concrete = viesti.SyncSender()
    local sender = Polling(0.5, concrete)
    assert.same({ 0.5, concrete }, { sender.pause, sender.sender })
    assert.error_matches(function() Polling(1, 2, 3) end,
      "PollingSender takes at most 2 arguments %(pause, sender%), got 3")
  end)

  it("refuses what is no sender", function()
    for _, value in ipairs({ 1, true, print, "SyncSender" }) do
      assert.error_matches(function() ExtendingSender({ sender = value }) end,
        "ExtendingSender: sender must be a sender, got ")
    end
    assert.error_matches(function() ExtendingSender({ sender = {} }) end, "got a table")
  end)

  describe("with_sender", function()
    it("gives the same layer over another sender, and leaves the first as it is", function()
      local sender = Polling(0.5, viesti.SyncSender())
      local other = sender:with_sender(viesti.AsyncSender())
      assert.same({ 0.5, "AsyncSender", true },
        { other.pause, other.sender.name, other.is_async })
      assert.same({ "SyncSender", false }, { sender.sender.name, sender.is_async })
      assert.equal("PollingSender{ pause = 0.5, sender = AsyncSender() }", tostring(other))
      assert.equal(Polling, getmetatable(other))
    end)

    it("keeps shared state", function()
      local caching = viesti.CachingSender(5)
      assert.equal(caching.store, caching:with_sender(viesti.AsyncSender()).store)
    end)
  end)

  it("lets a layer complete itself in init, after its parent", function()
    local Counting = Polling:extend("CountingSender")
    function Counting:init()
      Counting.super.init(self)
      self.count = 0
    end
    function Counting:send(request)
      self.count = self.count + 1
      return Counting.super.send(self, request)
    end
    local sender <close> = Counting({ pause = 0 })
    server:route("/x", { { status = 202 }, { body = "ready" } })
    assert.equal("ready", assert(sender:send({ url = server.url .. "/x" })).body)
    assert.same({ 1, 2 }, { sender.count, server:count("/x") })
  end)

  it("says so where a layer's init forgets its parent", function()
    local Forgetful = Polling:extend("ForgetfulSender")
    function Forgetful:init() self.count = 0 end
    assert.has_error(function() Forgetful({ pause = 0 }) end,
      "ForgetfulSender: its init must call ForgetfulSender.super.init(self)")
  end)

  it("passes on what a layer raises", function()
    local Broken = ExtendingSender:extend("BrokenSender")
    function Broken:send()
      error({ code = 7 })
    end
    local sender = viesti.chain({ viesti.Client(), viesti.CachingSender(),
      viesti.RetryingSender({ retries = 3 }), Broken(), viesti.SyncSender() })
    local ok, reason = pcall(sender.send, sender, { url = server.url .. "/echo" })
    assert.same({ false, 7 }, { ok, reason.code })
  end)
end)
