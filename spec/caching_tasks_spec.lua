-- What a CachingSender spares its origin where tasks send side by side.

local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local stores = require("spec.support.stores")

describe("CachingSender over an AsyncSender", function()
  local server = fixture.origin()
  local concrete

  setup(function()
    concrete = viesti.AsyncSender()
  end)

  teardown(function()
    concrete:close()
  end)

  local function caching(options)
    options = options or {}
    options.sender = concrete
    return viesti.CachingSender(options)
  end

  local function request(more)
    local given = { url = server.url .. "/x" }
    for name, value in pairs(more or {}) do
      given[name] = value
    end
    return given
  end

  -- What `count` tasks get that send at once.
  local function send_all(sender, count, more)
    local list = {}
    for index = 1, count do
      list[index] = request(more and more(index))
    end
    return viesti.map(list, function(given)
      return sender:send(given)
    end, { concurrency = count })
  end

  local function count_collapsed(responses)
    local collapsed = 0
    for _, response in pairs(responses) do
      collapsed = collapsed + (response.cache.collapsed and 1 or 0)
    end
    return collapsed
  end

  local fresh = { body = "x", headers = { { "Cache-Control", "max-age=60" } }, delay = 0.05 }

  -- A store of the user's of which one at a time may fetch what it lacks.
  local function leasing_store()
    local store, leased = stores.plain().open(), false
    function store.lease()
      local was_leased = leased
      leased = true
      return not was_leased
    end
    function store.release()
      leased = false
    end
    store.lease_seconds = 60
    return store
  end

  describe("of tasks that ask for the same", function()
    it("lets one send: a thousand make one request", function()
      server:route("/x", fresh)
      local responses = send_all(caching(), 1000)
      assert.same({ 1, 999 }, { server:count("/x"), count_collapsed(responses) })
      for index = 1, 1000 do
        assert.equal("x", responses[index].body)
      end
    end)

    it("lets one validate what is stale", function()
      server:route("/x", { { body = "x", etag = '"v"' },
        { status = 304, headers = fresh.headers, delay = 0.05 } })
      local sender = caching()
      send_all(sender, 1)
      local responses = send_all(sender, 100)
      assert.same({ 2, 99 }, { server:count("/x"), count_collapsed(responses) })
    end)

    it("lets all send at once where the answer is not for others, and remembers that", function()
      server:route("/x", { body = "x", headers = { { "Cache-Control", "private" } }, delay = 0.05 })
      local sender = caching()
      local started = sender:now()
      assert.equal(0, count_collapsed(send_all(sender, 20)))
      assert.equal(20, server:count("/x"))
      assert.is_true(sender:now() - started < 0.5)
      send_all(sender, 20)
      assert.equal(40, server:count("/x"))
    end)

    it("lets the others go as soon as the head says that the answer is not for them", function()
      server:route("/x", { body = ("x"):rep(2000), delay = 0.02,
        drip = { bytes = 500, interval = 0.3 },
        headers = { { "Cache-Control", "max-age=60" }, { "Vary", "X-A" } } })
      local sender <close> = viesti.CachingSender({ sender = viesti.AsyncSender() })
      local urls = { "1", "1", "2" }
      local started = sender:now()
      local ended = viesti.map(urls, function(value)
        local response = assert(sender:send(request({ headers = { ["X-A"] = value } })))
        return { sender:now() - started, response.cache.collapsed }
      end, { concurrency = 3 })
      assert.equal(2, server:count("/x"))
      assert.same({ false, true, false }, { ended[1][2], ended[2][2], ended[3][2] })
      assert.is_true(math.abs(ended[3][1] - ended[1][1]) < 1) -- side by side, not in a row
    end)

    it("waits on where the head is of a failure that an inner layer tries again", function()
      server:route("/x", { { status = 503, delay = 0.02 }, fresh })
      local sender = viesti.CachingSender({ sender = viesti.RetryingSender({ retries = 1,
        backoff = { base = 0 }, sender = concrete }) })
      send_all(sender, 10)
      assert.equal(2, server:count("/x"))
    end)

    it("lets each send that asks for something else, or as a certain user", function()
      server:route("/x", { body = "x", headers = { { "Cache-Control", "max-age=60" },
        { "Vary", "X-A" } }, delay = 0.05 })
      send_all(caching(), 4, function(index)
        return { headers = { ["X-A"] = tostring(index) } }
      end)
      assert.equal(4, server:count("/x"))
      send_all(caching(), 4, function()
        return { headers = { Authorization = "Bearer x" } }
      end)
      assert.equal(8, server:count("/x"))
    end)

    it("lets another try where the one that sent has failed", function()
      server:route("/x", { { raw = "no HTTP\r\n\r\n", close = true, delay = 0.05 }, fresh })
      local responses, errors = send_all(caching(), 10)
      local failed = 0
      for index = 1, 10 do
        failed = failed + (errors[index] and 1 or 0)
        assert.is_true(errors[index] ~= nil or responses[index].body == "x")
      end
      assert.same({ 1, 2 }, { failed, server:count("/x") })
    end)

    it("goes on for the others where the one that asked first is cancelled", function()
      server:route("/x", fresh)
      local sender = caching()
      viesti.run(function()
        local first = viesti.spawn(sender.send, sender, request())
        local second = viesti.spawn(sender.send, sender, request())
        viesti.sleep(0.01)
        first:cancel()
        assert.equal("x", assert(second:join()).body)
      end)
      assert.equal(1, server:count("/x"))
    end)

    it("ends the request when nobody waits for it any longer", function()
      server:route("/x", { hang = true })
      local sender <close> = viesti.CachingSender({ sender = viesti.AsyncSender() })
      local before = server:open_connections()
      viesti.run(function()
        local tasks = {}
        for index = 1, 3 do
          tasks[index] = viesti.spawn(sender.send, sender, request())
        end
        viesti.sleep(0.02)
        assert.equal(before + 1, server:open_connections())
        for _, task in ipairs(tasks) do
          task:cancel()
        end
        local till = sender:now() + 5
        while server:open_connections() > before and sender:now() < till do
          viesti.sleep(0.01)
        end
        assert.equal(before, server:open_connections())
        server:route("/x", fresh)
        assert.equal("x", assert(sender:send(request())).body)
      end)
    end)

    it("finds what another machine has put between its look and its lease", function()
      server:route("/x", fresh)
      local store = leasing_store()
      local lease, other = store.lease, nil
      function store.lease(...)
        local sender = other
        other = nil
        if sender then
          assert(sender:send(request()))
        end
        return lease(...)
      end
      other = caching({ store = store })
      local response = assert(caching({ store = store }):send(request()))
      assert.same({ true, 1 }, { response.from_cache, server:count("/x") })
    end)

    it("sends for the next one where the only one was cancelled before it could send", function()
      server:route("/x", fresh)
      local sender = caching()
      viesti.run(function()
        local first = viesti.spawn(sender.send, sender, request())
        coroutine.yield() -- now it waits for what has not had its first turn
        first:cancel()
        local second <close> = viesti.spawn(sender.send, sender, request())
        local till = sender:now() + 5
        while second:status() == "running" and sender:now() < till do
          viesti.sleep(0.01)
        end
        assert.equal("done", second:status())
      end)
      assert.equal(1, server:count("/x"))
    end)

    it("keeps nothing that was under way when the store was cleared", function()
      server:route("/x", fresh)
      local sender = caching()
      viesti.run(function()
        local task = viesti.spawn(sender.send, sender, request())
        viesti.sleep(0.02)
        sender:clear()
        assert.is_false(assert(task:join()).cache.stored)
      end)
      assert.equal(0, sender.store:count())
    end)

    it("raises what a function of the user's raises in the task that asked", function()
      server:route("/x", fresh)
      local calls = 0
      local sender = caching({ store_if = function()
        calls = calls + 1
        return calls > 1 or error("no idea", 0)
      end })
      local outcomes = viesti.run(function()
        local tasks, seen = {}, {}
        for index = 1, 3 do
          tasks[index] = viesti.spawn(pcall, sender.send, sender, request())
        end
        for index, task in ipairs(tasks) do
          local ok, result = task:join()
          seen[index] = ok and result.body or result
        end
        return seen
      end)
      assert.same({ "no idea", "x", "x" }, outcomes)
    end)

    it("makes none wait for whom a function of the user's waits for", function()
      server:route("/x", fresh)
      local first, second, sender, asks
      local function new(wait, store)
        sender = caching({ store = store, ttl = function()
          if first and not asks then
            asks = wait
            asks()
          end
        end })
        asks = nil
      end
      local function two_ask()
        first = viesti.spawn(sender.send, sender, request())
        second = second or viesti.spawn(sender.send, sender, request())
        local bodies = { assert(first:join()).body, assert(second:join()).body }
        first, second = nil, nil
        return bodies
      end
      local waits = {
        ["for one who waits already"] = function() assert(second:join()) end,
        ["for one who will"] = function()
          assert.equal("x", viesti.spawn(sender.send, sender, request()):join().body)
        end,
        ["for itself"] = function() assert(sender:send(request())) end,
        ["for one who does through another"] = function()
          viesti.spawn(function() second:join() end):join()
        end,
      }
      for name, wait in pairs(waits) do
        for _, store in ipairs({ viesti.Store(), leasing_store() }) do
          new(wait, store)
          local bodies = viesti.run(function()
            local _ <close> = viesti.spawn(viesti.sleep, 60)
            return viesti.timeout(5, two_ask)
          end)
          assert.same({ "x", "x" }, bodies, name)
        end
      end
    end)

    it("says so where a function of the user's waits for who asked", function()
      server:route("/x", fresh)
      local asking
      local sender = caching({ ttl = function() asking:join() end })
      local ok, reason = viesti.run(function()
        local _ <close> = viesti.spawn(viesti.sleep, 60)
        asking = viesti.spawn(pcall, sender.send, sender, request())
        return asking:join(5)
      end)
      assert.is_false(ok)
      assert.matches("caching_tasks_spec%.lua:%d+: deadlock: the task to be joined waits", reason)
    end)

    it("does not do so where it is told not to", function()
      server:route("/x", fresh)
      send_all(caching({ collapse = false }), 10)
      assert.equal(10, server:count("/x"))
    end)
  end)

  describe("stale-while-revalidate", function()
    local stale = { body = "old", etag = '"1"',
      headers = { { "Cache-Control", "max-age=0, stale-while-revalidate=60" } } }

    local function wait_for_hit(sender)
      for _ = 1, 200 do
        local response = assert(sender:send(request()))
        if response.cache.ttl > 0 then
          return response
        end
        viesti.sleep(0.01)
      end
    end

    it("serves what is stale at once, and lets one task ask for all", function()
      server:route("/x", { stale, { body = "new", headers = fresh.headers, delay = 0.05 } })
      local sender = caching()
      viesti.run(function()
        assert(sender:send(request()))
        for _ = 1, 5 do
          local response = assert(sender:send(request()))
          assert.same({ "old", true }, { response.body, response.cache.hit })
          assert.is_true(response.cache.ttl <= 0)
          viesti.sleep(0)
        end
        assert.equal("new", wait_for_hit(sender).body)
        assert.equal(2, server:count("/x"))
      end)
    end)

    it("lets one task ask for each variant", function()
      local function answer(body, control, delay)
        return { body = body, delay = delay,
          headers = { { "Vary", "Accept" }, { "Cache-Control", control } } }
      end
      local allowing = "max-age=0, stale-while-revalidate=60"
      server:route("/x", { answer("old", allowing), answer("old", allowing),
        answer("new", "max-age=60", 0.05), answer("new", "max-age=60", 0.05) })
      local sender = caching()
      local function body_of(accept)
        return assert(sender:send(request({ headers = { Accept = accept } }))).body
      end
      viesti.run(function()
        assert.same({ "old", "old" }, { body_of("a"), body_of("b") })
        for _ = 1, 3 do
          assert.same({ "old", "old" }, { body_of("a"), body_of("b") })
        end
        viesti.sleep(0.2)
        assert.same({ "new", "new" }, { body_of("a"), body_of("b") })
      end)
      assert.equal(4, server:count("/x"))
    end)

    it("lasts as long as the server says, or the user where it says nothing", function()
      local function kinds(control, options)
        server:reset()
        server:route("/x", { body = "x", etag = '"1"', headers = { { "Cache-Control", control },
          { "Age", "100" } } })
        local sender = caching(options)
        return viesti.run(function()
          assert(sender:send(request()))
          return assert(sender:send(request())).cache.hit
        end)
      end
      assert.is_true(kinds("max-age=50, stale-while-revalidate=60"))
      assert.is_false(kinds("max-age=50, stale-while-revalidate=40"))
      assert.is_true(kinds("max-age=50", { stale_while_revalidate = 60 }))
      assert.is_false(kinds("max-age=50, must-revalidate", { stale_while_revalidate = 60 }))
    end)

    it("is asked for again where the origin failed", function()
      server:route("/x", { stale, { close = true }, { body = "new", headers = fresh.headers } })
      local sender = caching()
      viesti.run(function()
        assert(sender:send(request()))
        assert.equal("new", wait_for_hit(sender).body)
      end)
    end)

    it("works behind a chain that blocks, where that may, and until it is closed", function()
      server:route("/x", { stale, { body = "new", headers = fresh.headers, delay = 0.05 } })
      local store = viesti.Store()
      local sender = viesti.CachingSender({ sender = viesti.RetryingSender({ retries = 1 }),
        store = store, background = true })
      assert(sender:send(request()))
      for _ = 1, 3 do
        local response = assert(sender:send(request()))
        assert.same({ "old", true }, { response.body, response.cache.hit })
      end
      assert.equal("new", wait_for_hit(sender).body)
      assert.equal(2, server:count("/x"))
      server:reset()
      server:route("/x", { { body = "newer", headers = fresh.headers, delay = 0.05 } })
      store:clear()
      server:route("/x", { stale, { body = "last", headers = fresh.headers, delay = 0.05 } })
      assert(sender:send(request()))
      assert.equal("old", assert(sender:send(request())).body)
      sender:close()
      local later <close> = viesti.CachingSender({ store = store })
      assert.equal("last", assert(later:send(request())).body)
      assert.equal(2, server:count("/x"))
    end)

    it("does not apply to a chain that blocks otherwise: it asks and waits", function()
      server:route("/x", { stale, { body = "new", headers = fresh.headers } })
      local sender <close> = viesti.CachingSender({ sender = viesti.SyncSender() })
      assert(sender:send(request()))
      assert.equal("new", assert(sender:send(request())).body)
    end)
  end)
end)
