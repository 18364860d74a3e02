local viesti = require("viesti")
local chain_files = require("spec.support.chain_files")
local fixture = require("spec.support.fixture")
local warnings = require("spec.support.warnings")

describe("A Pipeline", function()
  local server = fixture.origin()
  local files = chain_files()

  local function load_file(text, env)
    local path = files.write(text)
    local pipeline = assert(viesti.load(path, env))
    finally(function() pipeline:close() end)
    return pipeline, function(changed)
      files.write(changed, path)
      return pipeline:reload()
    end
  end

  it("prints, describes and checks itself as its chain does", function()
    local pipeline = load_file("return RetryingSender { sender = DeadlineSender(1) }")
    local chain = pipeline.sender
    assert.equal(tostring(chain), tostring(pipeline))
    assert.same(chain:describe(), pipeline:describe())
    assert.same(chain:check(), pipeline:check())
    assert.is_false(pipeline.is_async)
  end)

  it("goes by what the file says when it was read again", function()
    local pipeline, reload = load_file('return DefaultsSender { headers = { A = "one" } }')
    server:route("/", { body = "hello" })
    assert(pipeline:send({ url = server.url .. "/" }))
    assert.is_true(reload([[
      return chain { DefaultsSender { headers = { A = "two" } }, AsyncSender() }
    ]]))
    assert(pipeline:send({ url = server.url .. "/" }))
    assert.is_true(pipeline.is_async)
    assert.equal("AsyncSender()", tostring(pipeline.sender.sender))
  end)

  it("warns of names that mean nothing then, too; where that is an error none changes", function()
    local pipeline, reload = load_file("return SyncSender { timeout = 1 }")
    local chain = pipeline.sender
    local told <close> = warnings.kept(viesti.ChainFileWarning)
    assert.is_true(reload("return SyncSender { timeout = secnods }"))
    assert.equal(1, #told.messages)
    assert.matches(':1: "secnods" is nil', told.messages[1])
    assert.is_false(rawequal(chain, pipeline.sender))
    chain = pipeline.sender
    viesti.ChainFileWarning:set("error")
    local done, reason = reload("return SyncSender { timeout = other }")
    assert.is_nil(done)
    assert.matches('ChainFileWarning: .*:1: "other" is nil', reason)
    assert.is_true(rawequal(chain, pipeline.sender))
  end)

  it("has the layers around it tell the time as the file says at present", function()
    local deadlines = {}
    local Noting = viesti.Sender:extend("Noting")
    function Noting.send(_, request)
      table.insert(deadlines, request.deadline)
      return viesti.Response({})
    end
    local function standing_at(moment)
      local function now() return moment end
      return { now = now, wall = now, sleep = now, random = now }
    end
    local text = "return RetryingSender { clock = %s, sender = noting }"
    local pipeline, reload = load_file(text:format("early"),
      { early = standing_at(10), late = standing_at(20), noting = Noting() })
    local sender = viesti.DeadlineSender({ max_time = 5, sender = pipeline })
    assert(sender:send({ url = "http://h/" }))
    assert.is_true(reload(text:format("late")))
    assert(sender:send({ url = "http://h/" }))
    assert.same({ 15, 25 }, deadlines)
  end)

  it("goes on as it was where the file is broken, and says why", function()
    local pipeline, reload = load_file("return SyncSender { timeout = 7 }")
    local path = pipeline.file.path
    for text, sentence in pairs({
      ["return SyncSender {"] = path .. ":1: unexpected symbol near <eof>",
      ["\nreturn SyncSender { timeout = -1 }"] =
        path .. ":2: SyncSender: timeout must be a number of 0 or more, got -1",
      ["return 1"] = path .. " must return a sender, such as chain { ... }, it returned 1",
    }) do
      local done, reason = reload(text)
      assert.is_nil(done)
      assert.equal(sentence, reason)
      assert.equal("SyncSender{ timeout = 7 }", tostring(pipeline))
      assert(pipeline:send({ url = server.url .. "/" }))
    end
    os.remove(path)
    assert.same({ nil, path .. ": No such file or directory" }, { pipeline:reload() })
  end)

  it("says whether the file has changed since it was last tried", function()
    local pipeline, reload = load_file("return SyncSender()")
    assert.is_false(pipeline:changed())
    files.write("return SyncSender {", pipeline.file.path)
    assert.is_true(pipeline:changed())
    assert.is_nil((pipeline:reload()))
    assert.is_false(pipeline:changed())
    assert(reload("return AsyncSender()"))
    assert.is_false(pipeline:changed())
  end)

  it("has changed, once, when its file is gone, and again when that is back", function()
    local text = "return SyncSender()"
    local pipeline, reload = load_file(text)
    os.remove(pipeline.file.path)
    assert.is_true(pipeline:changed())
    assert.is_nil((pipeline:reload()))
    assert.is_false(pipeline:changed())
    assert.equal("SyncSender()", tostring(pipeline))
    files.write(text, pipeline.file.path)
    assert.is_true(pipeline:changed())
    assert(reload(text))
    assert.is_false(pipeline:changed())
  end)

  it("lets requests under way finish on the chain they are in, and then closes it", function()
    local pipeline, reload = load_file("return AsyncSender { user_agent = 'old' }")
    server:route("/slow", { delay = 0.3, body = "slow" })
    local old = pipeline.sender
    viesti.run(function()
      local task = viesti.spawn(function()
        return pipeline:send({ url = server.url .. "/slow" })
      end)
      viesti.sleep(0.05)
      assert(reload("return AsyncSender { user_agent = 'new' }"))
      assert.is_false(old.session:is_closed())
      assert.equal("slow", assert(task:join()).body)
      assert.is_true(old.session:is_closed())
    end)
    assert.is_false(pipeline.sender.session:is_closed())
  end)

  it("keeps a chain open until the last response out of it is read, closed or forgotten", function()
    for _, finish in ipairs({
      function(response) while response:read() do end end,
      function(response) response:close() end,
      function() end,
    }) do
      local pipeline, reload = load_file("return SyncSender()")
      server:route("/large", { body = ("x"):rep(300000) })
      local old = pipeline.sender
      do
        local response = assert(pipeline:send({ url = server.url .. "/large", stream = true }))
        assert.equal(1, #response:read(1))
        assert(reload("return SyncSender { timeout = 5 }"))
        assert.is_false(old.session:is_closed())
        finish(response)
      end
      collectgarbage()
      collectgarbage()
      assert.is_true(old.session:is_closed())
    end
  end)

  it("closes at once the chain that nothing is under way in", function()
    local pipeline, reload = load_file("return chain { RetryingSender(), SyncSender() }")
    local old = pipeline.sender.sender
    assert(reload("return SyncSender()"))
    assert.is_true(old.session:is_closed())
  end)

  it("keeps what the file names again with the same options: stores, limits, sessions", function()
    local text = [[
      local limit = RateLimit { rate = 100, cooldown = Cooldown { step = 1 } }
      local budget, breaker = RetryBudget {}, CircuitBreaker { window = 10 }
      local slots = ConcurrencyLimit(5)
      return chain {
        CachingSender { store = tiered { Store { max_size = 10 }, sqlite(path) } },
        RetryingSender { budget = budget },
        CircuitBreakingSender { breaker = breaker },
        RateLimitingSender { limit = limit },
        ConcurrencyLimitingSender { limit = slots },
        SyncSender { session = Session { timeout = 5 } },
      }
    ]]
    local function objects(pipeline)
      local found, sender = {}, pipeline.sender
      while sender do
        for _, name in ipairs({ "store", "budget", "breaker", "limit", "session" }) do
          found[#found + 1] = sender._given[name]
        end
        sender = sender.sender
      end
      return found
    end
    local pipeline, reload = load_file(text, { path = files.write("") })
    local before = objects(pipeline)
    assert(reload("-- changed\n" .. text))
    local after = objects(pipeline)
    assert.equal(6, #before)
    for index, object in ipairs(before) do
      assert.is_true(rawequal(object, after[index]), tostring(object))
    end
    assert(pipeline:send({ url = server.url .. "/" }))
  end)

  it("has what is kept in a store after the file was changed", function()
    server:route("/", { headers = { { "Cache-Control", "max-age=60" } }, body = "hello" })
    local text = "return CachingSender { store = Store { max_size = 9 }, cache_status = %s }"
    local pipeline, reload = load_file(text:format("false"))
    assert.is_false(pipeline:send({ url = server.url .. "/" }).from_cache)
    assert(reload(text:format("true")))
    assert.is_true(pipeline:send({ url = server.url .. "/" }).from_cache)
    assert(reload("return CachingSender { store = Store { max_size = 8 } }"))
    assert.is_false(pipeline:send({ url = server.url .. "/" }).from_cache)
  end)

  it("builds anew what has other options, be it one more, one less or a function", function()
    local pipeline, reload = load_file("return SyncSender { session = Session { timeout = 5 } }")
    local session = pipeline.sender.session
    for _, given in ipairs({ "timeout = 5, cookies = true", "timeout = 5", "timeout = 6" }) do
      assert(reload(("return SyncSender { session = Session { %s } }"):format(given)))
      assert.is_true(session:is_closed())
      session = pipeline.sender.session
    end
  end)

  it("is not opened again by a reload that was under way when it was closed", function()
    local pipeline
    local opened
    pipeline = load_file("return SyncSender { session = see(Session {}) }", {
      see = function(session)
        opened = session
        if pipeline then
          pipeline:close()
        end
        return session
      end })
    assert.same({ nil, "the pipeline is closed" }, { pipeline:reload() })
    assert.is_true(opened:is_closed())
  end)

  it("tells alike objects apart by their order", function()
    local text = "local a, b = Store(), Store() return CachingSender { store = %s }"
    local pipeline, reload = load_file(text:format("b"))
    local b = pipeline.sender.store
    assert(reload(text:format("a")))
    local a = pipeline.sender.store
    assert.is_false(rawequal(a, b))
    assert(reload(text:format("b")))
    assert.is_true(rawequal(b, pipeline.sender.store))
  end)

  it("closes what is named no more, and what a broken file had opened", function()
    local pipeline, reload = load_file("return SyncSender { session = Session { timeout = 5 } }")
    local session = pipeline.sender.session
    local opened
    pipeline.file.additions = { see = function(value) opened = value end }
    assert.is_nil((reload("see(Session { timeout = 6 }) return 1")))
    assert.is_true(opened:is_closed())
    assert.is_false(session:is_closed())
    assert(reload("return SyncSender { session = Session { timeout = 7 } }"))
    assert.is_true(session:is_closed())
    assert.is_false(pipeline.sender.session:is_closed())
  end)

  it("keeps open for an older chain what only a newer one has dropped", function()
    local pipeline, reload = load_file("return AsyncSender { session = Session { timeout = 5 } }")
    server:route("/slow", { delay = 0.3, body = "slow" })
    viesti.run(function()
      local task = viesti.spawn(function()
        return pipeline:send({ url = server.url .. "/slow" })
      end)
      viesti.sleep(0.05)
      assert(reload("-- the same\nreturn AsyncSender { session = Session { timeout = 5 } }"))
      assert(reload("return AsyncSender()"))
      assert.equal("slow", assert(task:join()).body)
    end)
  end)

  it("closes nothing of the host's", function()
    local session <close> = viesti.Session()
    local inner <close> = viesti.SyncSender()
    for _, text in ipairs({ "return SyncSender { session = session }", "return inner",
      "return RetryingSender { sender = inner }", "return RetryingSender(1, inner)",
      "return chain { CachingSender {}, inner }", "return standard { sender = inner }",
      "return standard { session = session }" }) do
      local pipeline, reload = load_file(text, { session = session, inner = inner })
      assert(reload(text .. "\n"))
      pipeline:close()
      assert.is_false(session:is_closed() or inner.session:is_closed())
    end
  end)

  it("closes senders that the file does not name, but came with what it does", function()
    for _, text in ipairs({ "return standard {}", "return CachingSender {}",
      "return chain { RetryingSender {}, standard { asynchronous = true } }" }) do
      local pipeline, reload = load_file(text)
      local old = pipeline.sender
      while old.sender do
        old = old.sender
      end
      assert.is_false(old.session:is_closed())
      assert(reload("return SyncSender()"))
      assert.is_true(old.session:is_closed())
    end
  end)

  it("closes classes and senders of the file's own", function()
    local closed = {}
    local pipeline, reload = load_file([[
      local Mine = ExtendingSender:extend "Mine"
      function Mine:close()
        note "Mine"
        return Mine.super.close(self)
      end
      return chain { Mine(), SyncSender() }
    ]], { note = function(name) closed[#closed + 1] = name end })
    local old = pipeline.sender.sender
    assert(reload("return SyncSender()"))
    assert.same({ "Mine" }, closed)
    assert.is_true(old.session:is_closed())
  end)

  it("remembers nothing of what its functions build later", function()
    local pipeline = load_file([[
      return chain {
        DefaultsSender {},
        CachingSender { key = function(request) Store() return request.url end },
        SyncSender(),
      }
    ]])
    for _ = 1, 3 do
      assert(pipeline:send({ url = server.url .. "/" }))
    end
    assert.equal(0, #pipeline.edition.hold.entries)
  end)

  it("is closed with all it has made", function()
    local pipeline = load_file("return SyncSender { session = Session {} }")
    local session = pipeline.sender.session
    pipeline:close()
    pipeline:close()
    assert.is_true(session:is_closed())
    local response, err = pipeline:send({ url = server.url .. "/" })
    assert.is_nil(response)
    assert.equal("closed", err.kind)
    assert.same({ nil, "the pipeline is closed" }, { pipeline:reload() })
  end)

  it("is a sender to put layers over", function()
    local pipeline = load_file("return DefaultsSender { headers = { A = 'one' } }")
    local client = viesti.RetryingSender(1, pipeline)
    assert(client:send({ url = server.url .. "/" }))
    viesti.SenderConflictWarning:set("ignore")
    local other = viesti.Client(pipeline, true)
    viesti.SenderConflictWarning:set("print")
    assert.matches("AsyncSender", tostring(other))
    assert.has_error(function() viesti.chain({ pipeline, viesti.SyncSender() }) end,
      "chain: Pipeline is item 1 of 2, but it was given an inner sender of its own")
  end)

  it("of a text runs that again", function()
    local count = 0
    local pipeline <close> = assert(viesti.load("count() return SyncSender()",
      { count = function() count = count + 1 end }))
    assert.is_true(pipeline:reload())
    assert.equal(2, count)
    assert.is_false(pipeline:changed())
  end)
end)
