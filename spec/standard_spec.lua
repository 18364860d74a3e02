local viesti = require("viesti")
local fixture = require("spec.support.fixture")

describe("standard", function()
  local server = fixture.origin()

  local function names_of(sender)
    local names = {}
    while sender do
      names[#names + 1] = sender.name:gsub("Sender$", "")
      sender = sender.sender
    end
    return table.concat(names, " ")
  end

  it("is a chain that caches, retries and breaks circuits, within a deadline", function()
    local chain = viesti.standard()
    assert.equal("Client Redirecting Caching Deadline Retrying CircuitBreaking Sync",
      names_of(chain))
    local retrying = chain.sender.sender.sender.sender
    assert.same({ 3, 120, 1000 }, { retrying.retries, chain.sender.sender.sender.max_time,
      chain.sender.sender.max_size })
  end)

  it("has every layer in its place", function()
    local chain = viesti.standard({
      asynchronous = true, session = { timeout = 5 }, client = {},
      defaults = { headers = { A = "b" } },
      redirecting = { max_redirects = 3 }, authenticating = { bearer = "x" }, caching = true,
      deadline = { max_time = 9 }, retrying = { max_time = 5 },
      failover = { origins = { "http://a.invalid" } }, circuit_breaking = {},
      hedging = { delay = 1 }, rate_limiting = { rate = 5 },
      concurrency_limiting = { limit = 3 }, tracing = { on_event = print },
    })
    assert.equal("Client Defaults Redirecting Authenticating Caching Deadline Retrying Failover "
      .. "CircuitBreaking Hedging RateLimiting ConcurrencyLimiting Tracing Async", names_of(chain))
    assert.same({}, chain:check())
    assert.is_true(chain.is_async)
  end)

  it("leaves out what is false, and fills in what a layer has by default", function()
    local chain = viesti.standard({ client = false, caching = false, circuit_breaking = false,
      retrying = { max_time = 7 } })
    assert.equal("Redirecting Deadline Retrying Sync", names_of(chain))
    assert.same({ 3, 7 }, { chain.sender.sender.retries, chain.sender.sender.max_time })
  end)

  it("takes a store, which has bounds of its own", function()
    local store = viesti.Store({ max_size = 3 })
    local chain = viesti.standard({ caching = { store = store } })
    assert.equal(store, chain.sender.sender.store)
  end)

  it("takes a session", function()
    local session <close> = viesti.Session({ user_agent = "mine" })
    local chain = viesti.standard({ session = session })
    assert.equal(200, chain:send({ url = server.url .. "/x?" }) and 200)
    assert.equal("mine", server:requests()[1].header("User-Agent"))
  end)

  it("ends in the sender that it is given", function()
    local mock = viesti.MockSender({ clock = viesti.testing.clock(),
      routes = { { answer = { { status_code = 503 }, { body = "at last" } } } } })
    local chain = viesti.standard({ sender = mock })
    assert.equal("Client Redirecting Caching Deadline Retrying CircuitBreaking Mock",
      names_of(chain))
    assert.equal("at last", chain:send({ url = "https://example.org/" }).body)
    assert.equal(2, #mock:requests())
  end)

  it("keeps its cache in the store that it is given, without a bound of its own", function()
    local store = viesti.Store()
    local chain = viesti.standard({ caching = { store = store } })
    assert.equal(store, chain.sender.sender.store)
  end)

  it("blames the user's line for options of a layer, a session and a sender", function()
    local sender = viesti.MockSender()
    for said, given in pairs({
      ["RetryingSender: retries must be an integer of 0 or more, got -1"] =
        { retrying = { retries = -1 } },
      ["SyncSender: timeout must be a number of 0 or more, got true"] =
        { session = { timeout = true } },
      ["CachingSender: store and max_bytes are both given; the bound belongs to the Store"] =
        { caching = { store = viesti.Store(), max_bytes = 1 } },
      ["AuthenticatingSender: basic must be { user, password }, two strings"] =
        { authenticating = { basic = {} } },
      ["standard: sender and session are both given; a sender has its own"] =
        { sender = sender, session = {} },
      ["standard: sender and asynchronous are both given; a sender has its own"] =
        { sender = sender, asynchronous = false },
      ["standard: retrying must have no sender; that is an option of standard's own"] =
        { retrying = { sender = sender } },
    }) do
      local _, raised = pcall(function()
        local _ = viesti.standard(given) -- the line
      end)
      local line = debug.getinfo(1, "l").currentline - 2
      assert.equal(("spec/standard_spec.lua:%d: %s"):format(line, said), raised)
    end
  end)

  it("names what there is not, and whose option is wrong", function()
    local function said(given)
      return select(2, pcall(viesti.standard, given))
    end
    assert.matches("standard: there is no option \"retry\"", said({ retry = {} }), 1, true)
    assert.matches("RetryingSender: there is no option \"retires\", did you mean 'retries'?",
      said({ retrying = { retires = 3 } }), 1, true)
    assert.matches("there is no option \"timout\"", said({ session = { timout = 3 } }), 1, true)
  end)
end)
