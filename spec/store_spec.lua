local viesti = require("viesti")
local fixture = require("spec.support.fixture")

describe("Store", function()
  local server = fixture.origin()

  it("prints as it is built, and knows its limits", function()
    local limits = { max_size = 10, max_bytes = 100000, max_entry_bytes = 1000 }
    local store = viesti.Store(limits)
    assert.equal("Store{ max_size = 10, max_bytes = 100000, max_entry_bytes = 1000 }",
      tostring(store))
    assert.same(limits, store:limits())
    assert.same({}, viesti.Store():limits())
    assert.equal("Store()", tostring(viesti.Store()))
  end)

  it("forgets the responses of one URL, however it is written", function()
    local store = viesti.Store()
    local sender <close> = viesti.CachingSender({ store = store })
    local headers = { { "Cache-Control", "max-age=60" }, { "Vary", "Accept" } }
    server:route("/a", { headers = headers })
    server:route("/b", { headers = headers })
    for _, path in ipairs({ "/a", "/b" }) do
      for _, type in ipairs({ "text/html", "text/plain" }) do
        assert(sender:send({ url = server.url .. path, headers = { Accept = type } }))
      end
    end
    assert.equal(4, store:count())
    store:delete((server.url:gsub("^http", "HTTP")) .. "/x/../a#part")
    assert.equal(2, store:count())
    assert.has_error(function() store:delete(5) end)
    store:clear()
    assert.same({ 0, 0 }, { store:count(), store:bytes() })
  end)

  local COUNTED = { "hits", "misses", "stale", "stores", "evictions", "invalidations", "errors",
    "bytes", "count" }

  it("says how much of everything there was, and what it holds", function()
    local stats = viesti.Store():stats()
    for _, name in ipairs(COUNTED) do
      assert.equal(0, stats[name], name)
      stats[name] = nil
    end
    assert.same({}, stats)
  end)

  it("counts what all chains that share it keep, and what had to make way", function()
    local store = viesti.Store({ max_size = 3 })
    server:route("/a", { headers = { { "Cache-Control", "max-age=60" } } })
    for chain = 1, 2 do
      local sender <close> = viesti.CachingSender({ store = store })
      for page = 1, 2 do
        assert(sender:send({ url = ("%s/a?%d-%d"):format(server.url, chain, page) }))
      end
    end
    local stats = store:stats()
    assert.same({ 4, 1, 3, store:bytes() },
      { stats.stores, stats.evictions, stats.count, stats.bytes })
    store:clear()
    stats = store:stats()
    assert.same({ 4, 1, 0, 0 }, { stats.stores, stats.evictions, stats.count, stats.bytes })
  end)

  it("counts hits, misses, what had to be validated, and invalidations", function()
    server:route("/a", { headers = { { "Cache-Control", "max-age=60" } } })
    server:route("/b", { etag = '"v"' })
    local sender <close> = viesti.CachingSender()
    for _, path in ipairs({ "/a", "/a", "/a", "/b", "/b" }) do
      assert(sender:send({ url = server.url .. path }))
    end
    assert(sender:send({ url = server.url .. "/a", method = "POST" }))
    sender.store:delete(server.url .. "/b")
    local stats = sender.store:stats()
    assert.same({ 2, 2, 1, 2 }, { stats.hits, stats.misses, stats.stale, stats.invalidations })
  end)

  it("purges by tag and by the beginning of a URL", function()
    server:route("/a", { headers = { { "Cache-Control", "max-age=60" } } })
    local sender <close> = viesti.CachingSender({ tags = function(request)
      return { request.url:match("%d$"), "all" }
    end })
    for page = 1, 4 do
      assert(sender:send({ url = ("%s/a?%d"):format(server.url, page) }))
    end
    local store = sender.store
    assert.same({ 1, 0 }, { store:purge({ tag = "1" }), store:purge({ tag = "1" }) })
    assert.equal(1, store:purge({ prefix = server.url .. "/a?2" }))
    assert.same({ 2, 0 }, { store:purge({ tag = "all" }), store:count() })
    for _, what in ipairs({ {}, { tag = "" }, { tag = "a", prefix = "b" }, { name = "a" }, 5 }) do
      assert.error_matches(function() store:purge(what) end,
        "purge needs { tag = ... } or { prefix = ... }, a string each, got ", 1, true)
    end
  end)

  it("gives numbers of the caller's own", function()
    local store = viesti.Store()
    store:stats().stores = 5
    assert.equal(0, store:stats().stores)
  end)
end)
