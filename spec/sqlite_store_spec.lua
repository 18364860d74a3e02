local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local lfs = require("lfs")
local new_place = require("spec.support.stores.sqlite")
local process = require("spec.support.process")
local sqlite = require("viesti.sqlite")

local FOREVER = { seconds = 1000 }

describe("sqlite", function()
  local place

  before_each(function()
    place = new_place()
  end)

  after_each(function()
    place:remove()
  end)

  local function put(store, key, entry, choices)
    store:put(key, "", entry or "e", choices or FOREVER)
  end

  local function kept(store, ...)
    local list = {}
    for index, key in ipairs({ ... }) do
      list[index] = #store:get(key) > 0
    end
    return list
  end

  it("prints as it is built", function()
    assert.equal(('sqlite{ path = "%s", max_size = 3 }'):format(place.path),
      tostring(sqlite(place.path, 3)))
    assert.equal("sqlite", tostring(sqlite))
  end)

  it("refuses what cannot be meant, in one sentence on the user's line", function()
    local function refusal(expected, ...)
      local ok, err = pcall(function(...) return sqlite(...) end, ...)
      assert.is_false(ok)
      assert.matches("^spec/sqlite_store_spec.lua:%d+: sqlite: ", err)
      assert.matches(expected, err, 1, true)
    end
    refusal("path is missing")
    refusal("path must be the name of a file", "")
    refusal("path must be the name of a file", place.path .. "\0x")
    refusal("path is ':memory:'; a Store keeps responses in memory", ":memory:")
    refusal("is in a directory that is not there", place.directory .. "/no/cache.db")
    refusal("is not that of a file", place.directory)
    refusal("is not that of a file", place.path .. "/")
    refusal("is too long", place.directory .. ("/x"):rep(3000))
    refusal("did you mean 'max_size'", { path = place.path, maxsize = 1 })
    refusal("busy_timeout must be a number from 0 to 3600",
      { path = place.path, busy_timeout = -1 })
    assert.same({}, place:files())
  end)

  it("is made by a call: the module is no store by itself", function()
    local _, raised = pcall(function() local _ = viesti.CachingSender { store = sqlite } end)
    assert.matches("CachingSender: store must be a store, got sqlite$", raised)
  end)

  it("has a page that names every option", function()
    local file <close> = assert(io.open("docs/sqlite.md"))
    local page = file:read("a")
    for _, option in ipairs(sqlite.options) do
      assert.is_truthy(page:find("\n| `" .. option.name .. "`", 1, true), option.name)
    end
  end)

  it("keeps what is put, by key and variant, any bytes", function()
    local store = place:open()
    local bytes = {}
    for byte = 0, 255 do
      bytes[byte + 1] = string.char(byte)
    end
    local all = table.concat(bytes)
    store:put(all, all, all, FOREVER)
    store:put(all, "", "", FOREVER)
    store:put("", "", "of the empty key", FOREVER)
    assert.same({ all, "" }, (store:get(all)))
    assert.same({ "of the empty key" }, (store:get("")))
    store:put(all, all, "new", FOREVER)
    assert.same({ "", "new" }, (store:get(all)))
    store:remove(all, "")
    assert.same({ "new" }, (store:get(all)))
    assert.same({}, (store:get("nothing")))
    assert.equal(2, store:count())
  end)

  it("keeps it for the next time the program runs", function()
    local large = ("x"):rep(3 * 1024 * 1024)
    local store <close> = place:open()
    put(store, "a", large)
    store:close()
    local again = place:open()
    assert.is_true(again:get("a")[1] == large)
    assert.equal(1, again:count())
  end)

  it("is for its owner alone, with what stands beside it", function()
    put(place:open(), "a")
    assert.same({ "cache.db", "cache.db-shm", "cache.db-wal" }, place:files())
    for _, name in ipairs(place:files()) do
      assert.equal("rw-------", lfs.attributes(place.directory .. "/" .. name, "permissions"))
    end
  end)

  it("stays where it was opened when the program changes its directory", function()
    local here = lfs.currentdir()
    finally(function() lfs.chdir(here) end)
    lfs.chdir(place.directory)
    local store <close> = sqlite("relative.db")
    lfs.chdir("/")
    put(store, "a")
    assert.same({ true }, kept(store, "a"))
    assert.is_truthy(lfs.attributes(place.directory .. "/relative.db"))
  end)

  it("forgets what is over its time", function()
    local store = place:open()
    put(store, "never", "e", { seconds = 0 })
    put(store, "short", "e", { seconds = 0.05 })
    put(store, "long", "e", { seconds = math.huge })
    put(store, "endless", "e", {})
    viesti.sleep(0.06)
    assert.same({ false, false, true, true }, kept(store, "never", "short", "long", "endless"))
    put(store, "other")
    assert.equal(3, store:count())
  end)

  it("keeps 16 variants of a key, the latest", function()
    local store = place:open()
    for number = 1, 20 do
      store:put("a", tostring(number), tostring(number), FOREVER)
    end
    store:put("a", "6", "6 again", FOREVER)
    local entries = store:get("a")
    assert.equal(16, #entries)
    assert.equal("5", entries[1])
    assert.equal("6 again", entries[16])
  end)

  it("hashes keys so that nobody can know which of them collide", function()
    local hashes = {}
    for round = 1, 2 do
      local there <close> = new_place()
      put(there:open(), "a")
      hashes[round] = process.run(("sqlite3 %s 'SELECT hash FROM entries'"):format(there.path))
    end
    assert.is_not.equal(hashes[1], hashes[2])
  end)

  describe("within its bounds", function()
    it("has the least recently used go first", function()
      local store = place:open({ max_size = 3 })
      for _, key in ipairs({ "a", "b", "c" }) do
        put(store, key)
      end
      store:get("a")
      put(store, "d")
      assert.same({ true, false, true, true }, kept(store, "a", "b", "c", "d"))
      assert.equal(3, store:count())
      assert.equal(1, store:stats().evictions)
    end)

    it("has what is over its time go before", function()
      local large = place:open()
      put(large, "old")
      for number = 1, 20 do
        put(large, "short " .. number, "e", { seconds = 0.05 })
      end
      viesti.sleep(0.06)
      local store = place:open({ max_size = 2 })
      put(store, "new")
      assert.same({ true, true }, kept(store, "old", "new"))
      assert.equal(2, store:count())
    end)

    it("counts bytes, and keeps nothing that is too large, nor what that replaces", function()
      local store = place:open({ max_bytes = 10000, max_entry_bytes = 4000 })
      for number = 1, 10 do
        put(store, tostring(number), ("x"):rep(2000))
        assert.is_true(store:bytes() <= 10000)
      end
      assert.equal(4, store:count())
      put(store, "10", ("x"):rep(4000))
      assert.same({ false, true }, kept(store, "10", "9"))
      put(place:open({ max_bytes = 10000 }), "9", ("x"):rep(10000))
      assert.same({ false }, kept(store, "9"))
    end)

    it("holds as many bytes as it says, but for slack", function()
      local store = place:open()
      for number = 1, 2000 do
        put(store, "http://example.com/things/" .. number, ("x"):rep(1024), { tags = { "t" } })
      end
      store:close()
      store = place:open()
      put(store, "one more")
      local size = lfs.attributes(place.path, "size")
      assert.is_true(math.abs(size / store:bytes() - 1) < 0.25, size .. " " .. store:bytes())
    end)

    it("knows what other objects used, once they are closed", function()
      local store = place:open({ max_size = 2 })
      put(store, "a")
      put(store, "b")
      viesti.sleep(0.002)
      local other = place:open()
      other:get("a")
      other:close()
      put(store, "c")
      assert.same({ true, false, true }, kept(store, "a", "b", "c"))
    end)

    it("obeys a bound that is lower than what the file has", function()
      local store = place:open()
      for number = 1, 100 do
        put(store, tostring(number))
      end
      local smaller = place:open({ max_size = 10 })
      put(smaller, "new")
      assert.equal(10, smaller:count())
    end)
  end)

  describe("once a key was invalidated", function()
    it("refuses what was asked for before", function()
      local store = place:open()
      local _, generation = store:get("a")
      put(store, "a", "first", { seconds = 10, generation = generation })
      assert.same({ true }, kept(store, "a"))
      place:open():invalidate("a")
      assert.same({}, (store:get("a")))
      put(store, "a", "late", { seconds = 10, generation = generation })
      assert.same({}, (store:get("a")))
      _, generation = store:get("a")
      put(store, "a", "later", { seconds = 10, generation = generation })
      assert.same({ "later" }, (store:get("a")))
    end)

    it("does so after clear and purge, and where get had failed", function()
      local store = place:open()
      for _, forget in ipairs({
        function() store:clear() end,
        function() store:purge({ tag = "t" }) end,
        function() store:purge({ prefix = "http" }) end,
      }) do
        local _, generation = store:get("a")
        forget()
        put(store, "a", "late", { seconds = 10, generation = generation })
        assert.same({}, (store:get("a")))
      end
      put(store, "a", "late", { seconds = 10, generation = -1 })
      assert.same({ false }, kept(store, "a"))
    end)

    it("does so, too, where the file was made anew meanwhile", function()
      local store = place:open()
      local _, generation = store:get("a")
      store:close()
      os.remove(place.path)
      store = place:open()
      put(store, "a", "late", { seconds = 10, generation = generation })
      assert.same({ false }, kept(store, "a"))
    end)

    it("has none of its variants", function()
      local store = place:open()
      store:put("a", "1", "e", FOREVER)
      store:put("a", "2", "e", FOREVER)
      put(store, "b")
      assert.is_true(store:invalidate("a"))
      assert.same({ false, true }, kept(store, "a", "b"))
      assert.equal(1, store:stats().invalidations)
    end)
  end)

  describe("for its users", function()
    it("purges by tag", function()
      local store = place:open()
      put(store, "a", "e", { tags = { "red", "green", "red" } })
      put(store, "b", "e", { tags = { "green" } })
      put(store, "c", "e", { tags = {} })
      assert.equal(1, store:purge({ tag = "red" }))
      assert.equal(0, store:purge({ tag = "red" }))
      assert.same({ false, true, true }, kept(store, "a", "b", "c"))
      put(store, "b", "without tags")
      assert.equal(0, store:purge({ tag = "green" }))
    end)

    it("purges by prefix of the URL, in every partition, whatever stands behind it", function()
      local store = place:open()
      put(store, "https://a/x/1")
      put(store, "alice\nhttps://a/x/2")
      put(store, "\nhttps://a/x/3\nQUERY\n\nbody")
      put(store, "https://b/\nhttps://a/y")
      put(store, "https://a/%/_")
      assert.equal(3, store:purge({ prefix = "https://a/x/" }))
      assert.equal(1, store:purge({ prefix = "https://a/y" }))
      assert.equal(0, store:purge({ prefix = "https://a/_" }))
      assert.same({ true }, kept(store, "https://a/%/_"))
      for _, which in ipairs({ {}, { tag = "a", prefix = "b" }, { tga = "a" }, { tag = 1 },
        { prefix = "" } }) do
        local ok, err = pcall(function() store:purge(which) end)
        assert.is_false(ok)
        assert.matches("^spec/sqlite_store_spec.lua:%d+: sqlite: purge needs { tag = ", err)
      end
    end)

    it("deletes a URL, however it is written, and gives the room back when cleared", function()
      local store = place:open()
      put(store, "http://example.com/a")
      assert.is_true(store:delete("HTTP://Example.com:80/x/../a#part"))
      assert.equal(0, store:count())
      assert.has_error(function() store:delete(5) end)
      for number = 1, 300 do
        put(store, tostring(number), ("x"):rep(10000), { tags = { "t" } })
      end
      assert.is_true(store:clear())
      assert.same({ 0, 0 }, { store:count(), store:bytes() })
      assert.is_true(lfs.attributes(place.path, "size") < 100000)
      put(store, "new")
      assert.same({ 1, 0 }, { store:count(), store:purge({ tag = "t" }) })
    end)

    it("tells what it has done", function()
      local store = place:open({ max_size = 2 })
      for _, key in ipairs({ "a", "b", "c" }) do
        put(store, key)
      end
      kept(store, "a", "b", "c", "c")
      store:invalidate("b")
      assert.same({ hits = 3, misses = 1, stale = 0, stores = 3, evictions = 1, invalidations = 1,
        errors = 0, count = 1, bytes = store:bytes() }, store:stats())
    end)

    it("is closed as often as one likes, and then has nothing, without an error", function()
      local store <close> = place:open()
      put(store, "a")
      store:close()
      store:close()
      put(store, "b")
      store:remove("a", "")
      store:invalidate("a")
      assert.same({}, (store:get("a")))
      local stats = store:stats()
      assert.same({ 0, 0, 0 }, { stats.errors, stats.count, stats.bytes })
      for _, call in ipairs({
        function() store:count() end,
        function() store:bytes() end,
        function() store:clear() end,
        function() store:delete("http://a/") end,
        function() store:purge({ tag = "a" }) end,
      }) do
        local ok, err = pcall(call)
        assert.is_false(ok)
        assert.matches("^spec/sqlite_store_spec.lua:%d+: sqlite: the store is closed$", err)
      end
      assert.same({ "a" }, { place:open():get("a")[1] and "a" })
    end)
  end)

  describe("under a CachingSender", function()
    local server = fixture.origin()

    local function send(sender, path, method)
      return assert(sender:send({ method = method, url = server.url .. path }))
    end

    it("serves what an earlier chain has stored", function()
      server:route("/a", { headers = { { "Cache-Control", "max-age=60" } }, body = "hello" })
      for round = 1, 2 do
        local store <close> = place:open()
        local sender <close> = viesti.CachingSender({ store = store })
        local response = send(sender, "/a")
        assert.same({ "hello", round == 2 }, { response.body, response.from_cache })
        assert.equal(0, store:stats().errors)
      end
    end)

    it("keeps to the bounds of that, beside its own", function()
      local store = place:open({ max_size = 2 })
      for name, least in pairs({ [1] = 1, [3] = 2 }) do
        local sender <close> = viesti.CachingSender({ store = store, max_size = name })
        for path = 1, 4 do
          server:route("/" .. path, { headers = { { "Cache-Control", "max-age=60" } } })
          send(sender, "/" .. path)
        end
        assert.equal(least, store:count())
      end
      local sender <close> = viesti.CachingSender({ store = store, max_entry_bytes = 500 })
      store:clear()
      server:route("/large", { headers = { { "Cache-Control", "max-age=60" } },
        body = ("x"):rep(1000) })
      send(sender, "/large")
      assert.equal(0, store:count())
    end)

    it("forgets what an unsafe request has changed", function()
      server:route("/a", { headers = { { "Cache-Control", "max-age=60" } }, body = "hello" })
      local store = place:open()
      local sender <close> = viesti.CachingSender({ store = store })
      send(sender, "/a")
      assert.is_true(send(sender, "/a").from_cache)
      send(sender, "/a", "POST")
      assert.is_false(send(sender, "/a").from_cache)
    end)

    it("goes on without a store that is closed", function()
      server:route("/a", { headers = { { "Cache-Control", "max-age=60" } }, body = "hello" })
      local store = place:open()
      local sender <close> = viesti.CachingSender({ store = store })
      store:close()
      for _ = 1, 2 do
        assert.is_false(send(sender, "/a").from_cache)
      end
    end)
  end)
end)
