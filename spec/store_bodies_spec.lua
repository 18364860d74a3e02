-- What a store that keeps large bodies apart may be like, and where it fails.

local fixture = require("spec.support.fixture")
local stores = require("spec.support.stores")
local streams = require("spec.support.streams")
local viesti = require("viesti")

local MEBIBYTE = 1024 * 1024
local FRESH = { "Cache-Control", "max-age=60" }

-- A store in Lua that keeps bodies apart, and waits over everything.
local function patient()
  local store, bodies = stores.plain().open(), {}
  for _, name in ipairs({ "get", "put", "remove", "invalidate" }) do
    local method = store[name]
    store[name] = function(...)
      viesti.sleep(0.001)
      return method(...)
    end
  end
  function store.begin_body(_, expected)
    bodies.expected = expected
    return "the body"
  end
  function store.write_body(_, body, number, bytes)
    viesti.sleep(0.001)
    bodies[body .. number] = bytes
    return true
  end
  function store.read_body(_, body, number)
    viesti.sleep(0.001)
    return bodies[body .. number]
  end
  function store.drop_body() end
  return store, bodies
end

describe("A store in Lua that keeps bodies apart", function()
  local server = fixture.origin()

  it("may wait over them in a task", function()
    local store, bodies = patient()
    local large = streams.numbered(MEBIBYTE)
    server:route("/a", { headers = { FRESH }, body = large })
    local sender = viesti.CachingSender({ store = store, sender = viesti.AsyncSender() })
    viesti.run(function()
      for round = 1, 3 do
        local response = assert(sender:send({ url = server.url .. "/a", stream = true }))
        assert.equal(round > 1, response.from_cache)
        assert.is_true(streams.rest_of(response) == large)
      end
      assert.is_true(sender:send({ url = server.url .. "/a" }).body == large)
    end)
    assert.equal(#large, bodies.expected)
  end)

  it("costs no request where it fails, nor the entry of another body", function()
    local previous = viesti.StoreWarning:set("ignore")
    finally(function() viesti.StoreWarning:set(previous) end)
    local store, bodies = patient()
    local large = streams.numbered(MEBIBYTE)
    server:route("/a", { headers = { FRESH }, body = large })
    local sender = viesti.CachingSender({ store = store, sender = viesti.SyncSender() })
    local write = store.write_body
    function store.write_body(_, body, number, bytes)
      return number ~= 2 and write(store, body, number, bytes) or error("no")
    end
    for _ = 1, 2 do
      local response = assert(sender:send({ url = server.url .. "/a", stream = true }))
      assert.is_false(response.from_cache)
      assert.is_true(streams.rest_of(response) == large)
    end
    store.write_body = write
    streams.rest_of(assert(sender:send({ url = server.url .. "/a", stream = true })))
    bodies["the body1"], bodies["the body2"] = bodies["the body2"], bodies["the body1"]
    local response = assert(sender:send({ url = server.url .. "/a", stream = true }))
    local bytes, err = streams.read_all(response)
    assert.same({ "", "truncated" }, { bytes, err.kind })
    assert.is_false(sender:send({ url = server.url .. "/a" }).from_cache)
  end)

  it("is filled by what refreshes it behind a reader's back", function()
    local store = patient()
    local large = streams.numbered(MEBIBYTE)
    local headers = { { "Cache-Control", "max-age=0, stale-while-revalidate=60" } }
    server:route("/a", { headers = headers, body = large })
    local sender = viesti.CachingSender({ store = store, sender = viesti.AsyncSender() })
    viesti.run(function()
      local request = { url = server.url .. "/a", stream = true }
      streams.rest_of(assert(sender:send(request)))
      server:route("/a", { headers = { FRESH }, body = "new" })
      assert.is_true(streams.rest_of(assert(sender:send(request))) == large)
      viesti.sleep(0.1)
      assert.equal("new", streams.rest_of(assert(sender:send(request))))
    end)
    assert.equal(2, server:count("/a"))
  end)

  it("goes on serving what is stale while what refreshes it comes in", function()
    local store = patient()
    local large = streams.numbered(MEBIBYTE)
    local headers = { { "Cache-Control", "max-age=0, stale-while-revalidate=60" } }
    server:route("/a", { headers = headers, body = large })
    local sender = viesti.CachingSender({ store = store, sender = viesti.AsyncSender() })
    viesti.run(function()
      local request = { url = server.url .. "/a", stream = true }
      streams.rest_of(assert(sender:send(request)))
      server:route("/a", { headers = { FRESH }, body = ("x"):rep(MEBIBYTE),
        drip = { bytes = 256 * 1024, interval = 0.1 } })
      for _ = 1, 2 do
        local response <close> = assert(sender:send(request))
        assert.is_true(response.from_cache)
        viesti.sleep(0.1)
      end
    end)
    assert.equal(2, server:count("/a"))
  end)

  it("has one reader of a body at a time", function()
    local store = patient()
    local large = streams.numbered(MEBIBYTE)
    server:route("/a", { headers = { FRESH }, body = large })
    local sender = viesti.CachingSender({ store = store, sender = viesti.AsyncSender() })
    viesti.run(function()
      local request = { url = server.url .. "/a", stream = true }
      streams.rest_of(assert(sender:send(request)))
      local response = assert(sender:send(request))
      local first = viesti.spawn(function() return response:read() end)
      viesti.sleep(0)
      assert.has_error(function() response:read() end, "somebody else is reading this response")
      local bytes = first:join()
      assert.is_true(bytes .. streams.rest_of(response) == large)
      response = assert(sender:send(request))
      for chunk in response:chunks() do
        local _, refused = viesti.spawn(function() return pcall(response.read, response) end):join()
        assert.matches("somebody else is reading", refused)
        assert.is_true(#chunk > 0)
      end
    end)
  end)

  it("loses none of it where the object before a layer's copy is closed", function()
    local store = patient()
    local large = streams.numbered(MEBIBYTE)
    server:route("/a", { headers = { FRESH }, body = large })
    local sender = viesti.CachingSender({ store = store, sender = viesti.SyncSender() })
    local request = { url = server.url .. "/a", stream = true }
    streams.rest_of(assert(sender:send(request)))
    local response = assert(sender:send(request))
    local first = response:read(8)
    local copy = response:annotated(nil, {})
    response:close()
    assert.is_true(first .. streams.rest_of(copy) == large)
  end)

  it("hands out nothing behind a piece that is gone", function()
    local store, bodies = patient()
    server:route("/a", { headers = { FRESH }, body = streams.numbered(MEBIBYTE) })
    local sender = viesti.CachingSender({ store = store, sender = viesti.SyncSender() })
    local request = { url = server.url .. "/a", stream = true }
    streams.rest_of(assert(sender:send(request)))
    bodies["the body2"] = nil
    local response = assert(sender:send(request))
    assert(response:read())
    for _ = 1, 3 do
      local bytes, err = response:read()
      assert.same({ nil, "truncated" }, { bytes, err and err.kind })
    end
  end)
end)

describe("A store in Lua that waits", function()
  local server = fixture.origin()

  it("may do so, too, when what is being stored is closed", function()
    local store = patient()
    local dropped = 0
    function store.drop_body()
      viesti.sleep(0.001)
      dropped = dropped + 1
    end
    server:route("/a", { headers = { FRESH }, body = streams.numbered(MEBIBYTE) })
    local sender = viesti.CachingSender({ store = store, sender = viesti.AsyncSender() })
    local function read_half()
      local response <close> = assert(sender:send({ url = server.url .. "/a", stream = true }))
      local size = 0
      while size < MEBIBYTE // 2 do
        size = size + #assert(response:read())
      end
    end
    viesti.run(read_half)
    assert.equal(1, dropped)
    read_half()
    assert.equal(2, dropped)
  end)

  it("is not taken to have failed where it did for another task", function()
    local previous = viesti.StoreWarning:set("ignore")
    finally(function() viesti.StoreWarning:set(previous) end)
    local store = patient()
    server:route("/a", { headers = { FRESH }, body = "a" })
    local sender = viesti.CachingSender({ store = store, sender = viesti.AsyncSender() })
    local put = store.put
    function store.put(self, key, ...)
      local bad = key:find("bad", 1, true)
      viesti.sleep(bad and 0.03 or 0.06)
      assert(not bad)
      return put(self, key, ...)
    end
    viesti.run(function()
      local task = viesti.spawn(function() return sender:send({ url = server.url .. "/a" }) end)
      assert(sender:send({ url = server.url .. "/a?bad" }))
      assert.is_true(task:join().cache.stored)
    end)
  end)

  it("is told to drop a body whose key it still has to invalidate", function()
    local previous = viesti.StoreWarning:set("ignore")
    finally(function() viesti.StoreWarning:set(previous) end)
    local store = patient()
    local dropped, invalidate = nil, store.invalidate
    function store.drop_body(_, body)
      dropped = body
    end
    function store.invalidate()
      error("no")
    end
    server:route("/a", { headers = { FRESH }, body = streams.numbered(MEBIBYTE) })
    local sender = viesti.CachingSender({ store = store, sender = viesti.SyncSender() })
    local request = { url = server.url .. "/a", stream = true }
    local response = assert(sender:send(request))
    sender:delete(server.url .. "/a")
    streams.rest_of(response)
    assert.equal("the body", dropped)
    store.invalidate = invalidate
    streams.rest_of(assert(sender:send(request)))
    assert.is_true(sender:send(request).from_cache)
  end)
end)

describe("An entry whose body stands apart", function()
  local server = fixture.origin()

  it("is outdated by a HEAD that speaks of another length", function()
    server:route("/a", { headers = { { "Cache-Control", "max-age=0, stale-if-error=60" } },
      body = streams.numbered(MEBIBYTE) })
    local sender = viesti.CachingSender({ store = patient(), sender = viesti.SyncSender() })
    local request = { url = server.url .. "/a", stream = true }
    streams.rest_of(assert(sender:send(request)))
    for _, length in ipairs({ MEBIBYTE, 5 }) do
      server:route("/a", { headers = { FRESH }, body = ("x"):rep(length) })
      assert(sender:send({ method = "HEAD", url = server.url .. "/a", headers =
        { ["Cache-Control"] = "no-cache" } }))
      assert.equal(length == MEBIBYTE and "hit" or "fetch", sender:inspect(request).action)
    end
  end)

  it("is a miss for a store that keeps no bodies", function()
    local store = patient()
    server:route("/a", { headers = { FRESH }, body = streams.numbered(MEBIBYTE) })
    local url = server.url .. "/a"
    local sender = viesti.CachingSender({ store = store, sender = viesti.SyncSender() })
    streams.rest_of(assert(sender:send({ url = url, stream = true })))
    store.read_body = nil
    local without = viesti.CachingSender({ store = store, sender = viesti.SyncSender() })
    for _, streamed in ipairs({ true, false }) do
      local response = assert(without:send({ url = url, stream = streamed }))
      assert.is_false(response.from_cache)
      assert.equal(MEBIBYTE, #streams.rest_of(response))
    end
  end)
end)
