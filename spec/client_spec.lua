local viesti = require("viesti")
local fresh_lua = require("spec.support.fresh_lua")
local fixture = require("spec.support.fixture")

local Client, Warning = viesti.Client, viesti.SenderConflictWarning

describe("Client", function()
  local server = fixture.origin()
  local warned, before

  before_each(function()
    warned = {}
    before = Warning:set(function(message, category)
      warned[#warned + 1] = { message, category }
    end)
  end)

  after_each(function()
    Warning:set(before)
  end)

  local function innermost(sender)
    while sender.sender do
      sender = sender.sender
    end
    return sender
  end

  it("sends with a SyncSender where none is given", function()
    local client <close> = Client()
    assert.equal("Client{ sender = SyncSender() }", tostring(client))
    assert.is_false(client.is_async)
    assert.equal(200, assert(client:send({ url = server.url .. "/echo" })).status_code)
  end)

  it("takes a kind alone: the sender is then of that kind, without a warning", function()
    local sync <close> = Client({ asynchronous = false })
    local async <close> = Client(nil, true)
    assert.same({ "SyncSender", "AsyncSender" }, { sync.sender.name, async.sender.name })
    assert.same({ false, true }, { sync.is_async, async.is_async })
    assert.same({}, warned)
  end)

  it("keeps a sender of the kind asked for", function()
    local sync, async = viesti.SyncSender(), viesti.AsyncSender()
    assert.equal(sync, Client(sync, false).sender)
    assert.equal(async, Client(async, true).sender)
    assert.equal(sync, Client(sync).sender)
    assert.same({}, warned)
  end)

  describe("where sender and kind are in conflict", function()
    it("does as the kind says, and warns", function()
      local client <close> = Client(viesti.SyncSender(), true)
      assert.same({ "AsyncSender", true }, { client.sender.name, client.is_async })
      assert.same({ { "Client: asynchronous = true is asked for, but the chain ends in SyncSender; "
        .. "it is kept over AsyncSender, with its session, instead", Warning } }, warned)
      local other <close> = Client(viesti.AsyncSender(), false)
      assert.same({ "SyncSender", false }, { other.sender.name, other.is_async })
      assert.equal(2, #warned)
    end)

    it("keeps the chain, its options and its stored responses", function()
      server:route("/x", { { status = 503 }, { body = "x",
        headers = { { "Cache-Control", "max-age=60" } } } })
      local session <close> = viesti.Session({ user_agent = "kept" })
      local backoff = { base = 0.01, factor = 2, cap = 30, jitter = "full" }
      local chain = viesti.CachingSender(9,
        viesti.RetryingSender({ retries = 1, backoff = backoff,
          sender = viesti.AsyncSender(session) }))
      local client = Client(chain, false)
      local caching, retrying = client.sender, client.sender.sender
      assert.same({ "CachingSender", "RetryingSender", "SyncSender" },
        { caching.name, retrying.name, innermost(client).name })
      assert.same({ 9, 1, backoff }, { caching.max_size, retrying.retries, retrying.backoff })
      assert.same({ false, false, false },
        { client.is_async, caching.is_async, retrying.is_async })
      assert.equal("x", assert(client:send({ url = server.url .. "/x" })).body)
      assert.equal("kept", server:requests()[1].header("User-Agent"))
      assert.equal(2, server:count("/x"))
      assert.is_true(assert(chain:send({ url = server.url .. "/x" })).from_cache)
    end)

    it("leaves the sender it was given as it was", function()
      local chain = viesti.RetryingSender(2, viesti.SyncSender())
      local client = Client(chain, true)
      assert.equal("RetryingSender{ retries = 2, sender = SyncSender() }", tostring(chain))
      assert.same({ false, true }, { chain.is_async, client.is_async })
      assert.equal(200, assert(chain:send({ url = server.url .. "/echo" })).status_code)
      assert.equal(200, assert(client:send({ url = server.url .. "/echo" })).status_code)
    end)

    it("closes nothing that it was given, and what it made itself", function()
      local given = viesti.SyncSender()
      local client = Client(given, true)
      client:close()
      assert.is_false(given.session:is_closed())
      assert.equal(200, given:send({ url = server.url .. "/echo" }).status_code)
      local own = Client({ asynchronous = true })
      own:close()
      assert.is_true(own.sender.session:is_closed())
    end)

    it("keeps a mock, of the other kind", function()
      local mock = viesti.MockSender({ routes = { { answer = { body = "mocked" } } } })
      local client = Client(viesti.RetryingSender(1, mock), true)
      assert.is_true(client.is_async)
      assert.equal("mocked", client:send({ url = "http://h.invalid/" }).body)
      assert.same({ 1, false }, { #mock:requests(), mock.is_async })
      assert.matches("it is kept over one of its own of that kind instead$", warned[1][1])
      mock:clear()
      assert.equal(0, #innermost(client):requests())
    end)

    it("takes a sender of its own in place of one without a session, and says so", function()
      local Mine = viesti.Sender:extend("Mine")
      function Mine.send() end
      local client <close> = Client(viesti.RetryingSender(1, Mine()), true)
      assert.same({ "RetryingSender", "AsyncSender" },
        { client.sender.name, client.sender.sender.name })
      assert.equal("Client: asynchronous = true is asked for, but the chain ends in Mine; it is "
        .. "kept over a new AsyncSender, without what Mine does, instead", warned[1][1])
    end)

    it("replaces all of a chain that cannot be rebuilt, and says why", function()
      local Stiff = viesti.Sender:extend("Stiff", { { name = "sender", type = "sender" } })
      function Stiff:send(request)
        return self.sender:send(request)
      end
      local stiff = Stiff({ sender = viesti.SyncSender() })
      local client <close> = Client(viesti.RetryingSender(1, stiff), true)
      assert.equal("Client{ asynchronous = true, sender = AsyncSender() }", tostring(client))
      assert.equal("Client: asynchronous = true is asked for, but the chain ends in SyncSender; "
        .. "all of it is replaced by a new AsyncSender, since Stiff has no with_sender",
        warned[1][1])
      assert.is_true(client.is_async)
    end)

    it("resolves it when a chain puts another sender inside, too", function()
      local client = viesti.chain({ Client({ asynchronous = true }), viesti.SyncSender() })
      assert.same({ "AsyncSender", true, 1 }, { client.sender.name, client.is_async, #warned })
    end)
  end)

  it("is a base: a client of an API is a child with methods", function()
    local Numbers = Client:extend("NumbersClient", {
      { name = "base", type = "string", required = true, doc = "URL of the API" },
    })
    function Numbers:list()
      return assert(self:send({ url = self.base .. "/json" })):raise_for_status().content.list
    end
    local numbers <close> = Numbers({ base = server.url })
    assert.same({ 1, 2, 3 }, numbers:list())
    local async <close> = Numbers({ base = server.url, asynchronous = true })
    assert.same({ 1, 2, 3 }, viesti.run(async.list, async))
    assert.equal(('NumbersClient{ base = "%s", sender = SyncSender() }'):format(server.url),
      tostring(numbers))
  end)

  it("closes what it sends with", function()
    local sender = viesti.SyncSender()
    Client(viesti.RetryingSender(1, sender)):close()
    assert.is_true(sender.session:is_closed())
  end)

  it("refuses what is no sender and no kind", function()
    assert.has_error(function() Client(1) end, "Client: sender must be a sender, got 1")
    assert.has_error(function() Client(nil, "yes") end,
      'Client: asynchronous must be true or false, got "yes"')
    assert.has_error(function() Client(viesti.SyncSender) end,
      "Client: sender must be a sender, got the class SyncSender: SyncSender {} makes one")
  end)

  describe("SenderConflictWarning", function()
    local function conflict()
      return Client(viesti.SyncSender(), true)
    end

    it("calls a function it is set to, and returns what it was set to before", function()
      local function quiet() end
      local previous = Warning:set(quiet)
      conflict()
      assert.same({}, warned)
      assert.equal(quiet, Warning:set(previous))
      conflict()
      assert.equal(1, #warned)
    end)

    it('raises at the caller of Client where it is set to "error"', function()
      Warning:set("error")
      local ok, message = pcall(conflict)
      assert.is_false(ok)
      assert.matches("SenderConflictWarning: Client: asynchronous = true is asked for", message)
      local _, where = pcall(function()
        local client = Client(viesti.SyncSender(), true)
        return client
      end)
      assert.matches("client_spec.lua:%d+: SenderConflictWarning", where)
    end)

    it('says nothing where it is set to "ignore"', function()
      Warning:set("ignore")
      assert.equal("AsyncSender", conflict().sender.name)
      assert.same({}, warned)
    end)

    it("writes to stderr from the start", function()
      local output = fresh_lua('local v = require("viesti"); v.Client(v.SyncSender(), true)')
      assert.equal("SenderConflictWarning: Client: asynchronous = true is asked for, but the chain "
        .. "ends in SyncSender; it is kept over AsyncSender, with its session, instead", output)
    end)
  end)
end)
