local viesti = require("viesti")
local fresh_lua = require("spec.support.fresh_lua")
local open_descriptors = require("spec.support.open_descriptors")
local redis = require("viesti.redis")
local redis_server = require("spec.support.redis_server")

describe("viesti.redis", function()
  local server, store

  setup(function()
    server = redis_server.start()
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    store = server:store()
    store:clear()
  end)

  after_each(function()
    assert.equal(0, store:stats().errors)
    store:close()
  end)

  local function sorted(list)
    table.sort(list)
    return list
  end

  local function put(key, variant, entry, more)
    local choices = { seconds = 60 }
    for name, value in pairs(more or {}) do
      choices[name] = value
    end
    store:put(key, variant, entry, choices)
  end

  it("keeps the entries of a key, one for each variant", function()
    assert.same({}, (store:get("https://a/")))
    put("https://a/", "gzip", "one")
    put("https://a/", "", "two")
    put("https://b/", "", "three")
    assert.same({ "one", "two" }, sorted((store:get("https://a/"))))
    put("https://a/", "gzip", "newer")
    assert.same({ "newer", "two" }, sorted((store:get("https://a/"))))
    store:remove("https://a/", "gzip")
    assert.same({ "two" }, (store:get("https://a/")))
    store:remove("https://a/", "nothing")
    store:invalidate("https://a/")
    assert.same({}, (store:get("https://a/")))
    assert.same({ "three" }, (store:get("https://b/")))
  end)

  it("takes keys, variants and entries of any bytes and of any size", function()
    local bytes = {}
    for byte = 0, 255 do
      bytes[byte + 1] = string.char(byte)
    end
    local all = table.concat(bytes)
    put(all, all, all)
    put("", "", "")
    put("large", "x", all:rep(8192))
    assert.same({ all }, (store:get(all)))
    assert.same({ "" }, (store:get("")))
    assert.equal(all:rep(8192), store:get("large")[1])
    assert.equal(3, store:count())
    store:invalidate(all)
    assert.equal(2, store:count())
  end)

  it("keeps no entry beyond max_entry_bytes, nor what it would have replaced", function()
    local small <close> = server:store({ max_entry_bytes = 4 })
    small:put("k", "", "1234", { seconds = 60 })
    assert.same({ "1234" }, (small:get("k")))
    small:put("k", "", "12345", { seconds = 60 })
    assert.same({}, (small:get("k")))
    assert.equal(1, small:stats().stores)
  end)

  it("keeps sixteen variants of a key, and lets the oldest go", function()
    for index = 1, 20 do
      put("k", "v" .. index, ("%02d"):format(index))
    end
    local entries = sorted((store:get("k")))
    assert.equal(16, #entries)
    assert.same({ "05", "20" }, { entries[1], entries[16] })
    put("k", "v5", "21")
    put("k", "v21", "22")
    entries = sorted((store:get("k")))
    assert.same({ 16, "07", "21" }, { #entries, entries[1], entries[15] })
  end)

  it("lets entries go when keeping them is of no use any more", function()
    put("soon", "", "x", { seconds = 0.05 })
    put("never", "", "x", { seconds = 0 })
    put("late", "", "x", { seconds = math.huge })
    assert.equal(2, store:count())
    viesti.sleep(0.1)
    assert.same({}, (store:get("soon")))
    assert.same({ "x" }, (store:get("late")))
    assert.equal(1, store:count())
  end)

  it("keeps what several machines put, and tells all what one invalidates", function()
    local other <close> = server:store()
    put("https://a/", "", "x")
    assert.same({ "x" }, (other:get("https://a/")))
    other:delete("HTTPS://A")
    assert.same({}, (store:get("https://a/")))
    assert.equal(1, other:stats().invalidations)
  end)

  describe("stores nothing that was asked for", function()
    it("before its key was invalidated, by anybody", function()
      local _, generation = store:get("k")
      local other <close> = server:store()
      other:invalidate("k")
      put("k", "", "old", { generation = generation })
      assert.same({}, (store:get("k")))
      _, generation = store:get("k")
      put("k", "", "new", { generation = generation })
      put("k", "other", "new, too", { generation = generation })
      assert.same({ "new", "new, too" }, sorted((store:get("k"))))
      store:invalidate("k")
      put("k", "", "old", { generation = generation })
      assert.same({}, (store:get("k")))
    end)

    it("before something was purged or all was cleared", function()
      for _, act in ipairs({ function() store:purge({ tag = "t" }) end,
          function() store:purge({ prefix = "https://" }) end, function() store:clear() end }) do
        local _, generation = store:get("k")
        act()
        put("k", "", "old", { generation = generation })
        assert.same({}, (store:get("k")))
      end
    end)

    it("before the server lost all it had", function()
      local _, generation = store:get("k")
      server:restart()
      put("k", "", "old", { generation = generation })
      assert.same({}, (store:get("k")))
    end)
  end)

  it("stores what was asked for while another of its key was put or removed", function()
    local _, generation = store:get("k")
    put("k", "a", "1")
    store:remove("k", "a")
    put("k", "b", "2", { generation = generation })
    assert.same({ "2" }, (store:get("k")))
  end)

  describe("purges", function()
    it("what has a tag, and says how many that were", function()
      put("a", "", "1", { tags = { "x", "y" } })
      put("a", "other", "2", { tags = { "y" } })
      put("b", "", "3", { tags = { "x" } })
      put("c", "", "4", { tags = { "x" } })
      put("c", "", "5") -- has it no longer
      assert.equal(2, store:purge({ tag = "x" }))
      assert.equal(0, store:purge({ tag = "x" }))
      assert.same({ "2" }, (store:get("a")))
      assert.same({ "5" }, (store:get("c")))
      assert.equal(1, store:purge({ tag = "y" }))
      assert.equal(0, store:purge({ tag = "nobody's" }))
    end)

    it("what a URL begins with, behind a partition, too", function()
      for _, key in ipairs({ "https://a/1", "https://a/2", "https://b/", "alice\nhttps://a/3",
          "alice\nhttps://b/", "https://b/\nhttps://a/", "x\ny\nhttps://a/" }) do
        put(key, "", "x")
        put(key, "v", "x")
      end
      assert.equal(8, store:purge({ prefix = "https://a/" }))
      assert.equal(6, store:count())
      assert.equal(0, store:purge({ prefix = "ttps://b" }))
    end)

    it("more than is asked of the server at once", function()
      local numbers = {}
      for index = 1, 1300 do
        numbers[index] = index
      end
      viesti.map(numbers, function(index)
        put("https://a/" .. index, "", "x", { tags = { "t" } })
      end, { concurrency = 100 })
      assert.equal(1300, store:count())
      assert.equal(412, store:purge({ prefix = "https://a/1" }))
      assert.equal(1300 - 412, store:purge({ tag = "t" }))
    end)
  end)

  it("forgets tags of what has expired", function()
    put("a", "", "1", { tags = { "t" } })
    put("b", "", "2", { seconds = 0.02, tags = { "t" } })
    viesti.sleep(0.05)
    put("c", "", "3", { tags = { "t" } })
    assert.equal(2, store.client:command("ZCARD", "viesti:t:t"))
    assert.equal(2, store:purge({ tag = "t" }))
  end)

  it("leaves nothing on the server that does not expire, but for a word", function()
    put("a", "", "1", { tags = { "t" } })
    store:invalidate("b")
    store:lease("c", 10)
    local names = store.client:command("KEYS", "*")
    assert.equal(5, #names)
    for _, name in ipairs(names) do
      local seconds = store.client:command("TTL", name)
      assert.is_true(seconds > 0 or name == "viesti:marker", name)
    end
  end)

  it("leaves keys with other prefixes alone, be a prefix a pattern or not", function()
    local others = { server:store({ key_prefix = "v*" }), server:store({ key_prefix = "v[a]" }),
      server:store({ key_prefix = "va" }), server:store({ key_prefix = "" }) }
    for _, each in ipairs(others) do
      each:put("k", "", "x", { seconds = 60 })
    end
    assert.same({ "x" }, (others[1]:get("k")))
    for _, each in ipairs(others) do
      assert.equal(1, each:count())
    end
    others[1]:clear()
    others[2]:clear()
    assert.same({ 0, 0, 1, 1 }, { others[1]:count(), others[2]:count(), others[3]:count(),
      others[4]:count() })
    for _, each in ipairs(others) do
      each:clear()
      each:close()
    end
  end)

  it("has a database of its own where it is given one", function()
    local other <close> = server:store({ database = 3 })
    put("k", "", "x")
    assert.same({}, (other:get("k")))
    local third <close> = redis("unix://" .. server.path)
    assert.same({ "x" }, (third:get("k")))
  end)

  it("counts what it did, and knows the bytes", function()
    store:get("k")
    put("k", "v", "12345")
    store:get("k")
    store:invalidate("k")
    local stats = store:stats()
    assert.is_true(stats.bytes > 100000) -- the server's
    stats.bytes = nil
    assert.same({ hits = 1, misses = 1, stale = 0, stores = 1, evictions = 0, invalidations = 1,
      errors = 0 }, stats)
    assert.equal(0, store:bytes())
    put("k", "v", ("x"):rep(1000))
    assert.is_true(store:bytes() > 1000 and store:bytes() < 1100)
  end)

  it("knows what the server has evicted for want of memory", function()
    local small <close> = redis_server.start({
      arguments = "--maxmemory 3mb --maxmemory-policy volatile-lru" })
    local full <close> = small:store()
    for index = 1, 200 do
      full:put("k" .. index, "", ("x"):rep(50000), { seconds = 60 })
    end
    local count, stats = full:count(), full:stats()
    assert.is_true(count > 0 and count < 100)
    assert.is_true(stats.evictions >= 200 - count and stats.evictions < 200)
    assert.same({ 200, 0 }, { stats.stores, stats.errors })
    assert.is_true(stats.bytes > 500000 and stats.bytes < 4000000)
    small:kill()
    stats = full:stats()
    assert.same({ 0, 0, 0 }, { stats.evictions, stats.bytes, stats.errors })
  end)

  it("gives a lease to one, until it is given back, or a put, or its time", function()
    local other <close> = server:store()
    assert.is_true(store:lease("k", 10))
    assert.is_false(other:lease("k", 10))
    other:release("k") -- not its own
    assert.is_false(other:lease("k", 10))
    store:release("k") -- which nobody waits for
    local given = other:lease("k", 10)
    for _ = 1, 500 do
      given = given or viesti.sleep(0.01) or other:lease("k", 10)
    end
    assert.is_true(given)
    other:put("k", "", "x", { seconds = 10 })
    assert.is_true(store:lease("k", 10))
    store:remove("k", "")
    assert.is_true(other:lease("k", 0.02))
    assert.is_false(store:lease("k", 10))
    viesti.sleep(0.05)
    assert.is_true(store:lease("k", 10))
    other:invalidate("k")
    assert.is_true(other:lease("k", 10))
  end)

  it("is shared by processes", function()
    put("k", "", "from here")
    local printed = fresh_lua(([[
      local store = require("viesti.redis")({ unix_socket = %q })
      print((store:get("k"))[1])
      store:put("k", "", "from there", { seconds = 60 })
    ]]):format(server.path))
    assert.equal("from here", printed)
    assert.same({ "from there" }, (store:get("k")))
  end)

  it("gives its connection back when it is collected", function()
    collectgarbage() -- what others have left
    collectgarbage()
    local before = open_descriptors()
    for _ = 1, 20 do
      server:store():get("k")
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, open_descriptors())
  end)

  it("finds and keeps nothing once it is closed, and says so to who asks it for more", function()
    local closed = server:store()
    closed:put("k", "", "x", { seconds = 60 })
    closed:close()
    closed:close()
    closed:put("k", "", "y", { seconds = 60 })
    assert.same({}, (closed:get("k")))
    assert.equal(0, closed:stats().errors)
    assert.same({ "x" }, (store:get("k")))
    local ok, reason = pcall(function() closed:count() end)
    assert.is_false(ok)
    assert.is_truthy(reason:find("redis_store_spec.lua:%d+: redis: count: the store is closed$"))
  end)

  describe("prints the call that builds it", function()
    it("without what is secret", function()
      assert.equal('redis{ url = "redis://127.0.0.1:6379/0" }', tostring(
        redis("redis://127.0.0.1:6379/0")))
      assert.equal('redis{ url = "redis://***@host/2", timeout = 2 }', tostring(
        redis({ url = "redis://me:se@cret@host/2", timeout = 2 })))
      assert.equal('redis{ unix_socket = "/x", password = <hidden> }', tostring(
        redis({ unix_socket = "/x", password = "secret" })))
      assert.equal("redis()", tostring(redis({})))
    end)
  end)

  describe("refuses, in one sentence,", function()
    local wrong = {
      { "options that it does not have", { tiemout = 1 }, "there is no option \"tiemout\"" },
      { "a timeout of nothing", { timeout = 0 },
        "timeout must be a number of 0.001 or more, got 0" },
      { "what is no URL", "127.0.0.1:6379", "url must be redis://user:password@host:port/database "
        .. "or unix:///path/of/a/socket, got \"127.0.0.1:6379\"" },
      { "another scheme", "http://host/", "url must be redis://" },
      { "a port out of range", "redis://host:65536", "url must be redis://" },
      { "a database that is no number", "redis://host/one", "url must be redis://" },
      { "a port that is no number", "redis://:secret@host:x", "got \"redis://***@host:x\"" },
      { "user and password alone", "me:secret@host", "got \"***@host\"" },
      { "a scheme without its slashes", "redis:me:secret@host", "got \"***@host\"" },
      { "a host before the path of a socket", "unix://me:secret@host/x", "unix://***@host/x" },
      { "no host", "redis://", "url must be redis://" },
      { "a relative path", "unix://socket", "url must be redis://" },
      { "TLS", "rediss://host", "url is rediss:, and TLS is not spoken here" },
      { "two places", { url = "redis://host", unix_socket = "/x" },
        "url and unix_socket are both given" },
      { "a user without a password", { user = "me" }, "user is given without a password" },
    }
    for _, case in ipairs(wrong) do
      it(case[1], function()
        local ok, reason = pcall(function() redis(case[2]) end)
        assert.is_false(ok)
        assert.is_truthy(reason:find("redis_store_spec.lua:%d+: redis: "), reason)
        assert.is_truthy(reason:find(case[3], 1, true), reason)
        assert.is_nil(reason:find("secret", 1, true))
      end)
    end

    it("a purge of nothing in particular", function()
      for _, given in ipairs({ {}, { tag = 1 }, { tag = "a", prefix = "b" }, { url = "x" } }) do
        local ok, reason = pcall(function() store:purge(given) end)
        assert.is_false(ok)
        assert.is_truthy(reason:find("redis_store_spec.lua:%d+: redis: purge needs { tag = "))
      end
    end)
  end)

  it("reads URLs in all their forms", function()
    local read = require("viesti.redis.address").read
    assert.same({ host = "h", port = "6379" }, (read("redis://h")))
    assert.same({ host = "h", port = "6379" }, (read("redis://h/")))
    assert.same({ host = "::1", port = "1", database = 2 }, (read("redis://[::1]:1/2")))
    assert.same({ host = "h", port = "6379", user = "u", password = "p:/@" },
      (read("redis://u:p:%2F@@h")))
    assert.same({ host = "h", port = "6379", password = "p" }, (read("redis://:p@h")))
    assert.same({ path = "/a b" }, (read("unix:///a%20b")))
  end)
end)
