-- What all stores have in common for those who use them.

local fixture = require("spec.support.fixture")
local process = require("spec.support.process")
local stores = require("spec.support.stores")
local viesti = require("viesti")

-- A place of two stores, one in front of the other.
local function in_front_of(far)
  return function()
    local place = far()
    return {
      open = function() return viesti.tiered({ viesti.Store(), place.open() }) end,
      remove = place.remove,
    }
  end
end

-- A store in Lua that says nothing of what it forgets.
local function silent()
  local place = stores.plain()
  local function open()
    local store = place.open()
    function store:delete(url)
      self:invalidate(url)
    end
    function store:clear()
      self.entries = {}
    end
    return store
  end
  return { open = open, remove = place.remove }
end

local KINDS = {
  Store = stores.memory,
  sqlite = stores.sqlite,
  redis = stores.redis,
  ["tiered over sqlite"] = in_front_of(stores.sqlite),
  ["tiered over one in Lua"] = in_front_of(silent),
}

local COUNTED = { "hits", "misses", "stale", "stores", "evictions", "bytes", "errors" }

for name, new_place in pairs(KINDS) do
  describe(("Any store, %s too,"):format(name), function()
    local server = fixture.origin()
    local place, sender

    setup(function()
      place = new_place()
    end)

    teardown(function()
      place.remove()
    end)

    before_each(function()
      sender = viesti.CachingSender({ store = place.open(), sender = viesti.SyncSender() })
      server:route("/fresh", { headers = { { "Cache-Control", "max-age=60" } } })
      server:route("/stale", { headers = { { "Cache-Control", "no-cache" } }, etag = '"v"' })
      server:route("/varies", { headers = { { "Cache-Control", "max-age=60" },
        { "Vary", "Accept" } } })
    end)

    local function get(path, accept)
      return assert(sender:send({ url = server.url .. path, headers = { Accept = accept } }))
    end

    it("says that it has forgotten a URL, or all", function()
      get("/fresh")
      assert.same({ true }, { sender.store:delete(server.url .. "/fresh") })
      assert.is_false(get("/fresh").from_cache)
      assert.same({ true }, { sender.store:clear() })
      assert.is_false(get("/fresh").from_cache)
      assert.same({ true, true }, { sender:delete(server.url .. "/fresh"), sender:clear() })
      assert.same({ true, true }, { sender.store:delete("http://never/"), sender.store:clear() })
    end)

    if name ~= "tiered over one in Lua" then
      it("counts hits, misses and what had to be validated", function()
        for _, path in ipairs({ "/fresh", "/fresh", "/fresh", "/stale", "/stale" }) do
          get(path)
        end
        get("/varies", "text/html")
        get("/varies", "text/plain")
        get("/varies", "text/html")
        local stats = sender.store:stats()
        stats = stats.near or stats
        assert.same({ 3, 4, 1, 0, 0 },
          { stats.hits, stats.misses, stats.stale, stats.evictions, stats.errors })
        assert.is_true(stats.stores >= 4 and stats.bytes > 0)
        local far = sender.store:stats().far or stats
        for _, counted in ipairs(COUNTED) do
          assert.equal("integer", math.type(far[counted]), counted)
        end
        assert.same({ 4, 1 }, { far.misses, far.stale })
      end)
    end
  end)
end

describe("tiered", function()
  local server = fixture.origin()

  it("serves from far away what is too large to be near", function()
    server:route("/a", { headers = { { "Cache-Control", "max-age=60" } }, body = ("x"):rep(2000) })
    server:route("/b", { headers = { { "Cache-Control", "max-age=60" } }, body = "b" })
    local near = viesti.Store({ max_entry_bytes = 1000 })
    local sender = viesti.CachingSender({ store = viesti.tiered({ near, stores.plain().open() }),
      sender = viesti.SyncSender() })
    for round = 1, 3 do
      for _, path in ipairs({ "/a", "/b" }) do
        local response = assert(sender:send({ url = server.url .. path }))
        assert.same({ round > 1, path == "/a" and 2000 or 1 },
          { response.from_cache, #response.body })
      end
    end
    assert.equal(1, near:count())
    assert.equal("uri-miss", sender:inspect(server.url .. "/c").forwarded)
  end)
end)

for _, name in ipairs({ "sqlite", "redis" }) do
  describe(("What %s keeps"):format(name), function()
    local place, store

    setup(function()
      place = stores[name]()
    end)

    teardown(function()
      place.remove()
    end)

    before_each(function()
      store = place.open()
    end)

    local function listed()
      local keys = {}
      assert.is_true(store:each(function(entry)
        keys[#keys + 1] = entry.key
      end))
      table.sort(keys)
      return keys
    end

    it("is told entry by entry: key, bytes, and when it is dropped", function()
      store:put("http://a/", "", ("x"):rep(500), { seconds = 60 })
      store:put("http://a/", "v", "y", { seconds = 60 })
      store:put("http://b/", "", "z", { seconds = 600, tags = { "t" } })
      assert.same({ "http://a/", "http://a/", "http://b/" }, listed())
      local now, largest, last = os.time(), 0, 0
      store:each(function(entry)
        largest = math.max(largest, entry.bytes)
        last = math.max(last, entry.expires)
      end)
      assert.is_true(largest >= 500 and largest < 2000)
      assert.is_true(math.abs(last - now - 600) < 30)
    end)

    it("is nothing that was forgotten, or is over its time", function()
      assert.same({}, listed())
      store:put("http://a/", "", "x", { seconds = 60 })
      store:put("http://b/", "", "x", { seconds = 0.05 })
      store:put("http://c/", "", "x", { seconds = 60 })
      store:invalidate("http://c/")
      viesti.sleep(0.06)
      assert.same({ "http://a/" }, listed())
      store:clear()
      assert.same({}, listed())
    end)

    it("is told no further than is wanted", function()
      for number = 1, 1200 do
        store:put("http://a/" .. number, "", "x", { seconds = 60 })
      end
      local count = 0
      assert.is_true(store:each(function()
        count = count + 1
        return count < 700
      end))
      assert.equal(700, count)
      assert.equal(1200, #listed())
    end)
  end)
end

describe("A store that cannot be read", function()
  it("says why it lists nothing", function()
    local previous = viesti.StoreWarning:set("ignore")
    finally(function() viesti.StoreWarning:set(previous) end)
    local folder = process.temporary_directory()
    local sqlite <close> = require("viesti.sqlite")({ path = folder .. "/cache.db" })
    local redis <close> = require("viesti.redis")({ unix_socket = "/nowhere/at/all" })
    process.run("rm -r " .. folder)
    viesti.sleep(1.1) -- by then it has looked for its file
    for _, store in ipairs({ redis, sqlite }) do
      local done, reason = store:each(error)
      assert.is_nil(done)
      assert.equal("string", type(reason))
    end
  end)
end)

describe("A store that cannot forget", function()
  local REASON = "the server is left alone for a while after a failure"

  it("says so, and why, whoever asks", function()
    local previous = viesti.StoreWarning:set("ignore")
    finally(function() viesti.StoreWarning:set(previous) end)
    local store <close> = require("viesti.redis")({ unix_socket = "/nowhere/at/all" })
    store:get("k")
    local tiered = viesti.tiered({ viesti.Store(), store })
    local sender = viesti.CachingSender({ store = store, sender = viesti.SyncSender() })
    for _, outcome in ipairs({
      { store:delete("http://a/") }, { store:clear() },
      { tiered:delete("http://a/") }, { tiered:clear() },
      { sender:delete("http://a/") }, { sender:clear() },
    }) do
      assert.same({ nil, REASON }, outcome)
    end
  end)

  it("may be one in Lua that raises", function()
    local previous = viesti.StoreWarning:set("ignore")
    finally(function() viesti.StoreWarning:set(previous) end)
    local store = stores.plain().open()
    function store.invalidate()
      error("no", 0)
    end
    local sender = viesti.CachingSender({ store = store, sender = viesti.SyncSender() })
    assert.same({ nil, "no" }, { sender:delete("http://a/") })
  end)
end)
