local viesti = require("viesti")
local origin = require("spec.support.origin")

local chain = viesti.chain

-- Builds what tostring printed.
local function rebuilt(text)
  return assert(load("return " .. text, "chain", "t", viesti))()
end

describe("viesti.chains.chain", function()
  local function example()
    return chain({
      viesti.Client(),
      viesti.CachingSender({ max_size = 10 }),
      viesti.RetryingSender({ retries = 3, backoff = { base = 0.5 } }),
      viesti.SyncSender({ timeout = 5, user_agent = "a \"b\"\\" }),
    })
  end

  local function nested()
    return viesti.Client(viesti.CachingSender(10, viesti.RetryingSender({
      retries = 3, backoff = { base = 0.5 },
      sender = viesti.SyncSender({ timeout = 5, user_agent = "a \"b\"\\" }),
    })))
  end

  -- A description without what is a matter of identity.
  local function described(sender)
    local description = sender:describe()
    local level = description
    while level do
      level.options.store = nil
      level = level.sender
    end
    return description
  end

  it("builds the chain that nested construction would", function()
    assert.equal(tostring(nested()), tostring(example()))
    assert.same(described(nested()), described(example()))
  end)

  it("sends: outermost first, innermost to the network", function()
    local server <close> = origin.start()
    local order = {}
    local function noting(name)
      local Noting = viesti.ExtendingSender:extend(name)
      function Noting:send(request)
        order[#order + 1] = name
        return self.sender:send(request)
      end
      return Noting()
    end
    local sender <close> = chain({ noting("Outer"), noting("Middle"), noting("Inner"),
      viesti.SyncSender() })
    assert.equal(200, assert(sender:send({ url = server.url .. "/echo" })).status_code)
    assert.same({ "Outer", "Middle", "Inner" }, order)
    assert.equal(1, server:count("/echo"))
  end)

  it("is of the kind of its last sender", function()
    local sync <close> = chain({ viesti.Client(), viesti.RetryingSender(), viesti.SyncSender() })
    local async <close> = chain({ viesti.Client(), viesti.RetryingSender(), viesti.AsyncSender() })
    assert.same({ false, false }, { sync.is_async, sync.sender.is_async })
    assert.same({ true, true }, { async.is_async, async.sender.is_async })
  end)

  it("leaves the senders in the list as they are, so that they may stand in several", function()
    local retrying, concrete = viesti.RetryingSender({ retries = 1 }), viesti.SyncSender()
    local before = tostring(retrying)
    local first = chain({ retrying, concrete })
    local second = chain({ retrying, viesti.AsyncSender() })
    assert.equal(before, tostring(retrying))
    assert.same({ "SyncSender", "AsyncSender" }, { first.sender.name, second.sender.name })
    assert.equal(concrete, first.sender)
  end)

  it("returns a single sender as it is", function()
    local sender <close> = viesti.SyncSender()
    assert.equal(sender, chain({ sender }))
  end)

  it("shares the store of a CachingSender that stands in several", function()
    local caching = viesti.CachingSender()
    local first = chain({ caching, viesti.SyncSender() })
    local second = chain({ caching, viesti.AsyncSender() })
    assert.equal(first.store, second.store)
  end)

  it("refuses what cannot be a chain, saying where", function()
    local sync, retrying = viesti.SyncSender(), viesti.RetryingSender()
    local cases = {
      { {}, "chain needs a list of senders, outermost first, without gaps or names" },
      { { retrying, nil, sync },
        "chain needs a list of senders, outermost first, without gaps or names" },
      { { retrying, sync, timeout = 4 },
        "chain needs a list of senders, outermost first, without gaps or names" },
      { "x", "chain needs a list of senders, outermost first, without gaps or names" },
      { { retrying, "x" }, 'chain: item 2 must be a sender, got "x"' },
      { { retrying, {} }, "chain: item 2 must be a sender, got a table" },
      { { viesti.RetryingSender, sync },
        "chain: item 1 must be a sender, got the class RetryingSender" },
      { { sync, retrying },
        "chain: SyncSender is item 1 of 2, but it takes no inner sender; it must be the last" },
      { { viesti.RetryingSender(1, sync), sync },
        "chain: RetryingSender is item 1 of 2, but it was given an inner sender of its own" },
      { { chain({ retrying, sync }), sync },
        "chain: RetryingSender is item 1 of 2, but it was given an inner sender of its own" },
    }
    for _, case in ipairs(cases) do
      assert.has_error(function() chain(case[1]) end, case[2])
    end
    assert.has_error(function() chain() end,
      "chain needs a list of senders, outermost first, without gaps or names")
  end)

  it("refuses senders in a circle, wherever one is to be put over them", function()
    local outer, inner = viesti.RetryingSender(), viesti.CachingSender()
    outer.sender, inner.sender = inner, outer
    local sentence = "RetryingSender stands inside itself; a chain ends with a sender that has no "
      .. "inner one"
    assert.has_error(function() chain({ viesti.Client(), outer }) end,
      "chain: item 2, " .. sentence)
    assert.has_error(function() viesti.Client({ sender = outer }) end,
      "Client: the inner " .. sentence)
    assert.same({ sentence }, outer:check())
    assert.equal("RetryingSender()", tostring(outer))
    assert.is_nil(outer:describe().sender)
  end)
end)

describe("tostring of a chain", function()
  it("starts with the class, shows the options given and the inner sender", function()
    assert.equal("SyncSender()", tostring(viesti.SyncSender()))
    assert.equal("AsyncSender{ timeout = 5 }", tostring(viesti.AsyncSender({ timeout = 5 })))
    assert.equal("RetryingSender{ retries = 3, sender = AsyncSender() }",
      tostring(viesti.RetryingSender(3, viesti.AsyncSender())))
    assert.equal("CachingSender{ max_size = 2, sender = RetryingSender{ sender = SyncSender() } }",
      tostring(viesti.CachingSender(2, viesti.RetryingSender())))
    assert.equal("Client{ asynchronous = true, sender = AsyncSender() }",
      tostring(viesti.Client(nil, true)))
    assert.equal("ExtendingSender{ sender = SyncSender() }", tostring(viesti.ExtendingSender()))
    assert.equal("SyncSender{ session = Session{ timeout = 1 } }",
      tostring(viesti.SyncSender(viesti.Session({ timeout = 1 }))))
  end)

  it("is a Lua expression that builds it again", function()
    local text = tostring(chain({
      viesti.Client({ asynchronous = false }),
      viesti.CachingSender(7),
      viesti.RetryingSender({ retries = 2, methods = "any",
        backoff = { base = 1 / 3, cap = 1e300, jitter = "none" }, rate_limit = { pad = 0 } }),
      viesti.SyncSender({ timeout = 0.1, user_agent = "a \"b\"\t\\ \u{e4} \xff",
        decode = false, max_body = math.maxinteger }),
    }))
    local again = rebuilt(text)
    assert.equal(text, tostring(again))
    local options = again.sender.sender.sender:describe().options
    assert.same({ 0.1, "a \"b\"\t\\ \u{e4} \xff", false, math.maxinteger },
      { options.timeout, options.user_agent, options.decode, options.max_body })
    assert.same({ base = 1 / 3, cap = 1e300, jitter = "none", factor = 2 },
      again.sender.sender.backoff)
    assert.equal(viesti.Client, getmetatable(again))
  end)

  it("holds a long text and an endless wait in full", function()
    local long = ("x"):rep(5000)
    local text = tostring(viesti.SyncSender({ user_agent = long, timeout = math.huge }))
    local options = rebuilt(text):describe().options
    assert.same({ long, math.huge }, { options.user_agent, options.timeout })
  end)

  it("hides secrets", function()
    local sender = viesti.SyncSender({ proxy = "http://user:secret@127.0.0.1:1" })
    assert.is_nil(tostring(sender):find("secret", 1, true))
    assert.equal("<hidden>", sender:describe().options.proxy)
  end)
end)

describe("describe of a chain", function()
  it("is a table of classes and every option in force, from the outermost in", function()
    local description = viesti.RetryingSender({ retries = 3, backoff = { base = 0.5 },
      sender = viesti.AsyncSender({ timeout = 5 }) }):describe()
    assert.same({
      retries = 3, methods = "idempotent", idempotency_key = false,
      backoff = { base = 0.5, factor = 2, cap = 30, jitter = "full" },
      rate_limit = { max_wait = 60, pad = 1, shared = true },
    }, description.options)
    assert.same({ "RetryingSender", "AsyncSender" },
      { description.class, description.sender.class })
    local options = description.sender.options
    assert.same({ 5, 10, true }, { options.timeout, options.connect_timeout, options.verify })
    assert.is_nil(description.sender.sender)
  end)

  it("cannot be used to change the chain", function()
    local sender = viesti.RetryingSender({ retries = 3 })
    local description = sender:describe()
    description.options.retries = 9
    description.options.backoff.base = 9
    assert.same({ 3, 1 }, { sender.retries, sender.backoff.base })
  end)
end)

describe("a mistyped option", function()
  it("is refused with the nearest name, in every class", function()
    local cases = {
      { function() viesti.RetryingSender({ retires = 3 }) end, "RetryingSender", "retires",
        "retries" },
      { function() viesti.CachingSender({ maxsize = 3 }) end, "CachingSender", "maxsize",
        "max_size" },
      { function() viesti.Client({ session = true }) end, "Client", "session" },
      { function() viesti.Client({ async = true }) end, "Client", "async", "asynchronous" },
      { function() viesti.Client({ asynchronus = true }) end, "Client", "asynchronus",
        "asynchronous" },
      { function() viesti.SyncSender({ timout = 3 }) end, "SyncSender", "timout", "timeout" },
      { function() viesti.AsyncSender({ Verify = false }) end, "AsyncSender", "Verify", "verify" },
      { function() viesti.Session({ prxoy = "" }) end, "Session", "prxoy", "proxy" },
      { function() viesti.Request({ ulr = "" }) end, "Request", "ulr", "url" },
      { function() viesti.Response({ status = 1 }) end, "Response", "status",
        "status_code" },
      { function() viesti.map({}, print, { concurency = 1 }) end, "map", "concurency",
        "concurrency" },
    }
    for _, case in ipairs(cases) do
      local ok, message = pcall(case[1])
      assert.is_false(ok)
      local wanted = ('%s: there is no option "%s"%s (its options are '):format(case[2], case[3],
        case[4] and (", did you mean '%s'?"):format(case[4]) or "")
      assert.is_truthy(message:find(wanted, 1, true), message)
    end
  end)
end)
