local viesti = require("viesti")
local core = require("viesti.core")
local fixture = require("spec.support.fixture")

-- Every message here stands without a place, or with that of its caller.
local function assert_raises(message, fn, ...)
  local returned, raised = pcall(fn, ...)
  assert.is_false(returned)
  assert.equal(message, (raised:gsub("^spec/misuse_spec%.lua:%d+: ", "")))
end

describe("Misuse is told by the name of what is misused:", function()
  local server = fixture.origin()

  it("a number of bytes that is none", function()
    local sender <close> = viesti.SyncSender()
    local response <close> = assert(sender:send({ url = server.url .. "/json", stream = true }))
    for text, most in pairs({ ["-1"] = -1, ["0"] = 0, ["1.5"] = 1.5, ['"x"'] = "x" }) do
      for method, act in pairs({ read = function(of) of:read(most) end,
        chunks = function(of) of:chunks(most) end }) do
        local message = ("response:%s needs a number of bytes, an integer of 1 or more, got %s")
          :format(method, text)
        for _, of in ipairs({ response, viesti.Response() }) do
          assert_raises(message, act, of)
          assert.matches("^spec/misuse_spec%.lua:%d+: ", select(2, pcall(act, of)))
        end
      end
    end
    assert.equal('{"', response:read(2))
  end)

  it("a dot in the place of a colon, whatever layer is outermost", function()
    local inner = viesti.MockSender { routes = { { answer = {} } } }
    local outermost = { inner, viesti.standard { sender = inner },
      assert(viesti.load("return CachingSender {}")) }
    for _, options in ipairs({
      { "Client" }, { "CachingSender" }, { "CircuitBreakingSender" }, { "ExtendingSender" },
      { "ConcurrencyLimitingSender", limit = 1 }, { "DeadlineSender", max_time = 1 },
      { "RateLimitingSender", rate = 1 }, { "RetryingSender" }, { "DefaultsSender" },
      { "AuthenticatingSender", bearer = "x" }, { "HedgingSender", delay = 1 },
      { "FailoverSender", origins = { "http://a.example" } }, { "RedirectingSender" },
      { "TracingSender", on_event = print } }) do
      local name = table.remove(options, 1)
      options.sender = inner
      outermost[#outermost + 1] = viesti[name](options)
    end
    for _, sender in ipairs(outermost) do
      assert_raises("send: the request must be a Request or a table of its options, got nothing: "
        .. "sender:send(request) takes a colon, and a request", function()
        local _ = sender.send { url = "http://h/" }
      end)
    end
  end)

  it("seconds that are none", function()
    local sender <close> = viesti.AsyncSender()
    local task <close> = viesti.spawn(function() end)
    local loop = viesti.loop()
    for text, seconds in pairs({ ["-1"] = -1, ['"x"'] = "x", ["true"] = true }) do
      for what, call in pairs({ ["loop:step"] = function() loop:step(seconds) end,
        ["task:join"] = function() task:join(seconds) end,
        sleep = function() sender:sleep(seconds) end }) do
        assert_raises(("%s needs seconds, a number of 0 or more, got %s"):format(what, text), call)
      end
    end
    task:join()
  end)

  it("a body that is streamed, and what takes null in one that is not", function()
    local sender <close> = viesti.SyncSender()
    local response <close> = assert(sender:send({ url = server.url .. "/json", stream = true }))
    local message = "the body is streamed: read it with response:chunks() or :read()"
    for _, ask in ipairs({ function() return response.body .. "" end,
      function() return response.content .. "" end, function() local _ = response:json() end }) do
      assert_raises(message, ask)
    end
    assert_raises("response:json takes a table such as { null = viesti.null }, got true",
      function() local _ = viesti.Response():json(true) end)
  end)

  it("a key that is none", function()
    local message = '%s needs a key, a string such as "https://example.org", got nothing'
    assert_raises(message:format "breaker:state",
      function() local _ = viesti.CircuitBreaker():state() end)
    assert_raises(message:format "limit:state",
      function() local _ = viesti.ConcurrencyLimit(1):state() end)
  end)

  it("what is no table, no path, no line, no name and no sender", function()
    local session <close> = viesti.Session({ cookies = true })
    local layer = viesti.RetryingSender()
    local cases = {
      ["array needs a table, got 5"] = function() local _ = viesti.array(5) end,
      ["session:save_cookies needs the path of a file, got 5"] =
        function() local _ = session:save_cookies(5) end,
      ["session:load_cookies needs the path of a file, got 5"] =
        function() local _ = session:load_cookies(5) end,
      ["session:add_cookie needs a line, a string, got 5"] =
        function() local _ = session:add_cookie(5) end,
      ["load: name must be a string, got 5"] =
        function() local _ = viesti.load("return 1", nil, { name = 5 }) end,
      ["with_sender needs a sender, got 5"] = function() local _ = layer:with_sender(5) end,
      ["Session: user_agent must not have a NUL in it"] =
        function() local _ = viesti.Session({ user_agent = "\0" }) end,
    }
    for message, call in pairs(cases) do
      assert_raises(message, call)
    end
  end)

  it("a method that is called with a dot, as of Lua's files", function()
    local objects = {
      Response = { viesti.Response(), "chunks", "is_success", "json", "lines", "raise_for_status",
        "read", "retry_after", "save" },
      Request = { viesti.Request({ url = "http://h/" }), "with" },
      Session = { viesti.Session({ cookies = true }), "add_cookie", "clear_cookies", "close",
        "cookies", "describe", "load_cookies", "save_cookies" },
      Store = { viesti.Store(), "clear", "delete", "purge", "stats" },
      Headers = { viesti.Response().headers, "get", "get_all" },
      Loop = { viesti.loop(), "step" },
    }
    for type_name, object in pairs(objects) do
      for index = 2, #object do
        local call = assert(load(("local object = ... local _ = object.%s('x')"):format(
          object[index]), "=spec/misuse_spec.lua"))
        assert_raises(("bad argument #1 to '%s' (viesti.%s expected, got string)"):format(
          object[index], type_name), call, object[1])
      end
    end
    local layer = viesti.RetryingSender()
    assert_raises("send: the request must be a Request or a table of its options, got nothing: "
      .. "sender:send(request) takes a colon, and a request",
      function() local _ = layer.send({ url = "http://h/" }) end)
  end)

  it("tasks that wait for each other", function()
    local message = "deadlock: every task waits for another and nothing is in flight"
    assert_raises(message, viesti.run, core.park)
    assert_raises(message, viesti.map, { 1 }, function() core.park() end)
    local task <close> = viesti.spawn(core.park)
    assert_raises(message, function() task:join() end)
  end)
end)
