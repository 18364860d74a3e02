local viesti = require("viesti")
local origin = require("spec.support.origin")

local Sender = viesti.Sender

describe("Sender", function()
  it("is abstract", function()
    assert.has_error(function() Sender() end,
      "Sender is abstract: extend it and define send, or use SyncSender or AsyncSender")
  end)

  it("refuses to build a child without send, naming it", function()
    local Silent = Sender:extend("SilentSender")
    assert.has_error(function() Silent() end,
      "SilentSender cannot be built: it does not define send")
    local Grandchild = Silent:extend("Grandchild")
    assert.has_error(function() Grandchild() end,
      "Grandchild cannot be built: it does not define send")
  end)

  it("prints as its name, as a class", function()
    for _, name in ipairs({ "Sender", "SyncSender", "AsyncSender", "ExtendingSender",
      "RetryingSender", "CachingSender", "Client" }) do
      assert.equal(name, tostring(viesti[name]))
      assert.equal(name, viesti[name].name)
    end
  end)

  describe("as the base of a concrete sender in plain Lua", function()
    local Canned = Sender:extend("CannedSender", {
      { name = "body", type = "string", default = "canned", doc = "what every response holds" },
      { name = "token", type = "string", secret = true, doc = "never shown" },
    })

    function Canned:send(request)
      self.requests = self.requests or {}
      table.insert(self.requests, viesti.Request.from(request))
      return viesti.Response({ url = request.url, body = self.body,
        headers = { ["Cache-Control"] = "max-age=60" } })
    end

    it("sends what its send returns, with its options as fields", function()
      assert.equal("canned", Canned():send({ url = "http://host/" }).body)
      assert.equal("other", Canned("other"):send({ url = "http://host/" }).body)
    end)

    it("prints, and describes itself, without its secrets", function()
      local sender = Canned({ body = "x", token = "s3cret" })
      assert.equal('CannedSender{ body = "x", token = <hidden> }', tostring(sender))
      assert.same({ class = "CannedSender", options = { body = "x", token = "<hidden>" } },
        sender:describe())
    end)

    it("is synchronous, sleeps, tells the time and closes, all by default", function()
      local sender <close> = Canned()
      assert.is_false(sender.is_async)
      local started = sender:now()
      sender:sleep(0.02)
      local elapsed = sender:now() - started
      assert.is_true(elapsed >= 0.02 and elapsed < 0.2)
      assert.is_nil(sender:close())
    end)

    it("stands at the end of a chain of viesti's own layers", function()
      local concrete = Canned()
      local chain = viesti.chain({ viesti.Client(), viesti.CachingSender(), viesti.RetryingSender(),
        concrete })
      assert.is_false(chain:send({ url = "http://host/" }).from_cache)
      assert.is_true(chain:send({ url = "http://host/" }).from_cache)
      assert.equal(1, #concrete.requests)
    end)

    it("refuses what is no option, as every class does", function()
      assert.has_error(function() Canned({ boddy = "x" }) end, "CannedSender: there is no option "
        .. "\"boddy\", did you mean 'body'? (its options are body, token)")
    end)
  end)

  it("gives a child that says it is asynchronous a sleep that lets other tasks run", function()
    local Async = Sender:extend("MyAsyncSender")
    Async.is_async = true
    function Async:send()
      self:sleep(0.01)
      return viesti.Response({})
    end
    local order = {}
    viesti.run(function()
      local task = viesti.spawn(function() order[#order + 1] = "other" end)
      Async():send({})
      order[#order + 1] = "sent"
      task:join()
    end)
    assert.same({ "other", "sent" }, order)
  end)

  it("closes as a to-be-closed variable, also a child that has its own close", function()
    local closed = 0
    local Closing = Sender:extend("ClosingSender")
    function Closing:send() end
    function Closing:close() closed = closed + 1 end
    do
      local sender <close> = Closing()
      assert.equal(0, closed, sender)
    end
    assert.equal(1, closed)
  end)

  it("may return an error object of its own making", function()
    local server <close> = origin.start()
    local Failing = Sender:extend("FailingSender")
    function Failing:send(request)
      return nil, require("viesti.core").error("rate_limited", "not now", request)
    end
    local request = viesti.Request({ url = server.url .. "/" })
    local response, err = viesti.RetryingSender({ retries = 3, sender = Failing() }):send(request)
    assert.is_nil(response)
    assert.same({ "rate_limited", "no", false, 1 },
      { err.kind, err.sent, err.retryable, #err.attempts })
    assert.equal(("rate_limited: not now (GET %s/)"):format(server.url), tostring(err))
    assert.same({}, server:requests())
  end)
end)
