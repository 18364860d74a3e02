local core = require("viesti.core")
local viesti = require("viesti")
local origin = require("spec.support.origin")
local redis_server = require("spec.support.redis_server")

local FRESH = { { "Cache-Control", "max-age=60" } }

describe("CachingSender with a Redis store", function()
  local server, redis, opened

  setup(function()
    server, redis, opened = origin.start(), redis_server.start(), {}
  end)

  teardown(function()
    server:stop()
    redis:stop()
  end)

  before_each(function()
    server:reset()
    local store <close> = redis:store()
    store:clear()
  end)

  after_each(function()
    for _, each in ipairs(opened) do
      each.sender:close()
      each.store:close()
    end
    opened = {}
  end)

  -- As on a machine of its own: a store and connections that no other has.
  local function machine(kind, choices, more)
    local given = { store = redis:store(choices), sender = viesti[kind]() }
    for name, value in pairs(more or {}) do
      given[name] = value
    end
    local sender = viesti.CachingSender(given)
    opened[#opened + 1] = sender
    return sender
  end

  local function get(sender, path)
    return assert(sender:send({ url = server.url .. path }))
  end

  local function wait_for(path)
    repeat
      viesti.sleep(0.002)
    until server:count(path) > 0
  end

  for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
    describe("over " .. kind, function()
      it("serves what another machine has fetched", function()
        server:route("/x", { headers = FRESH, body = "hello" })
        viesti.run(function()
          assert.is_false(get(machine(kind), "/x").from_cache)
          local response = get(machine(kind), "/x")
          assert.is_true(response.from_cache)
          assert.equal("hello", response.body)
        end)
        assert.is_true(get(machine(kind), "/x").from_cache)
        assert.equal(1, server:count("/x"))
      end)

      it("is told by another machine what is of no more use", function()
        server:route("/x", { headers = FRESH, body = "hello" })
        local first, second = machine(kind), machine(kind)
        get(first, "/x")
        assert(second:send({ method = "POST", url = server.url .. "/x", content = "" }))
        assert.is_false(get(first, "/x").from_cache)
      end)

      it("purges by tag on all machines", function()
        server:route("/x", { headers = FRESH, body = "hello" })
        local first, second = machine(kind, {}, { tags = { "news" } }), machine(kind)
        get(first, "/x")
        assert.equal(1, second.store:purge({ tag = "news" }))
        assert.is_false(get(second, "/x").from_cache)
      end)

      it("sends as if there were no store where its server is gone", function()
        server:route("/x", { headers = FRESH, body = "hello" })
        local action = viesti.StoreWarning:set("ignore")
        local sender = viesti.CachingSender({ store = redis:store({ unix_socket = "/nowhere" }),
          sender = viesti[kind]() })
        assert.equal("hello", get(sender, "/x").body)
        assert.equal("hello", get(sender, "/x").body)
        assert.equal(2, server:count("/x"))
        viesti.StoreWarning:set(action)
        sender:close()
      end)
    end)
  end

  it("keeps nothing that was under way when another machine invalidated it", function()
    server:route("/slow", { headers = FRESH, body = "old", delay = 0.2 })
    local slow, other = machine("AsyncSender"), machine("AsyncSender")
    viesti.run(function()
      local task = viesti.spawn(get, slow, "/slow")
      wait_for("/slow")
      other.store:delete(server.url .. "/slow")
      assert.equal("old", task:join().body)
      assert.is_false(get(other, "/slow").from_cache)
    end)
  end)

  it("answers hundreds of tasks from the store at once", function()
    server:route("/x", { headers = FRESH, body = "hello" })
    local sender = machine("AsyncSender")
    get(sender, "/x")
    local numbers = {}
    for index = 1, 500 do
      numbers[index] = index
    end
    local responses = viesti.map(numbers, function() return get(sender, "/x") end,
      { concurrency = 500 })
    for _, response in ipairs(responses) do
      assert.is_true(response.from_cache)
    end
    assert.equal(1, server:count("/x"))
    assert.equal(0, sender.store:stats().errors)
  end)

  describe("and leases", function()
    local LEASE = { lease = 5 }

    local function by_many(count, path, choices)
      local tasks = {}
      for index = 1, count do
        tasks[index] = viesti.spawn(get, machine("AsyncSender", choices), path)
      end
      local cached = 0
      for _, task in ipairs(tasks) do
        cached = cached + (assert(task:join()).from_cache and 1 or 0)
      end
      return cached
    end

    it("has one machine fetch what is missing, and the others wait for it", function()
      server:route("/x", { headers = FRESH, body = "hello", delay = 0.1 })
      viesti.run(function()
        assert.equal(7, by_many(8, "/x", LEASE))
      end)
      assert.equal(1, server:count("/x"))
    end)

    it("has every machine fetch it where there are none", function()
      server:route("/x", { headers = FRESH, body = "hello", delay = 0.1 })
      viesti.run(function()
        by_many(8, "/x")
      end)
      assert.equal(8, server:count("/x"))
    end)

    it("makes no queue of those who ask for what is not stored", function()
      server:route("/x", { headers = { { "Cache-Control", "no-store" } }, delay = 0.1 })
      local sender = machine("AsyncSender", LEASE)
      viesti.run(function()
        get(sender, "/x")
        local store <close> = redis:store()
        store:lease(server.url .. "/x", 60) -- somebody else's
        local started = core.now()
        get(sender, "/x")
        assert.is_true(core.now() - started < 2)
      end)
    end)

    it("does not wait for longer than the lease", function()
      server:route("/x", { headers = FRESH, body = "hello" })
      for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
        local sender, store = machine(kind, { lease = 0.1 }), redis:store()
        store:clear()
        store:lease(server.url .. "/x", 60) -- by one that will never answer
        local started = core.now()
        assert.is_false(get(sender, "/x").from_cache)
        assert.is_true(core.now() - started >= 0.1)
        store:close()
      end
    end)

    it("lets another fetch it where the one that did is cancelled, or gets no answer", function()
      server:route("/hang", { hang = true })
      viesti.run(function()
        local first = machine("AsyncSender", { lease = 60 })
        local task = viesti.spawn(get, first, "/hang")
        wait_for("/hang")
        local key = server.url .. "/hang"
        local store <close> = redis:store()
        local started = core.now()
        assert.is_false(store:lease(key, 5))
        task:cancel()
        viesti.timeout(5, function()
          repeat
            viesti.sleep(0.005)
          until store:lease(key, 5)
        end)
        assert.is_true(core.now() - started < 5)
      end)
    end)

    it("waits blocking in a blocking chain, and finds what came meanwhile", function()
      server:route("/x", { headers = FRESH, body = "hello" })
      local sender, store = machine("SyncSender", LEASE), redis:store()
      store:lease(server.url .. "/x", 0.1)
      get(machine("SyncSender"), "/x") -- one without leases puts it there
      assert.is_true(get(sender, "/x").from_cache)
      store:close()
    end)
  end)
end)
