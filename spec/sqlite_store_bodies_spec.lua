-- Large bodies in a store that keeps them apart, piece by piece.

local fixture = require("spec.support.fixture")
local new_place = require("spec.support.stores.sqlite")
local process = require("spec.support.process")
local resident = require("spec.support.resident")
local stores = require("spec.support.stores")
local streams = require("spec.support.streams")
local viesti = require("viesti")

local MEBIBYTE = 1024 * 1024
local PIECE = 256 * 1024
local FRESH = { "Cache-Control", "max-age=60" }

-- Mebibytes of the largest body.
local HUGE = { SyncSender = 200, AsyncSender = 48 }

for way, huge in pairs(HUGE) do
  describe(("sqlite, for large bodies through %s,"):format(way), function()
    local server, web = fixture.origin(), fixture.nginx()
    local large = streams.numbered(MEBIBYTE + 5)
    local place, store, sender

    setup(function()
      process.run(("truncate -s %dM %s"):format(huge, process.quote(web.root .. "/huge")))
    end)

    local function caching(options)
      options = options or {}
      options.store = options.store or store
      options.sender = viesti[way]({ timeout = 60 })
      return viesti.CachingSender(options)
    end

    before_each(function()
      place = new_place()
      store = place:open()
      sender = caching()
      server:route("/a", { headers = { FRESH }, body = large, etag = '"v"' })
    end)

    after_each(function()
      place:remove()
    end)

    local function get(path, fields, by)
      local request = { url = server.url .. (path or "/a") }
      for name, value in pairs(fields or {}) do
        request[name] = value
      end
      return assert((by or sender):send(request))
    end

    local STREAM = { stream = true }

    local function sql(words)
      return process.run(("sqlite3 -cmd '.timeout 5000' %s %s"):format(place.path,
        process.quote(words)))
    end

    local function pieces()
      return tonumber(sql("SELECT count(*) FROM pieces"))
    end

    it("stores what is streamed while it is read, and streams it out again", function()
      for round = 1, 3 do
        local response = get("/a", STREAM)
        assert.same({ 200, true, round > 1, false },
          { response.status_code, response.streamed, response.from_cache, response.complete })
        assert.is_true(streams.rest_of(response) == large)
        assert.is_true(response.complete)
        assert.is_nil(response:read())
        assert.same({ 1, 5 }, { store:count(), pieces() })
      end
      assert.equal(1, server:count("/a"))
      assert.is_true(get("/a", STREAM).cache.hit)
      assert.same({ 0, 1 }, { store:stats().errors, store:stats().stores })
    end)

    it("hands it out by as many bytes as are wanted, and into a file", function()
      streams.rest_of(get("/a", STREAM))
      assert.is_true(streams.rest_of(get("/a", STREAM), 1000) == large)
      assert.is_true(streams.read_all(get("/a", STREAM), PIECE + 1) == large)
      local path = place.directory .. "/saved"
      assert.equal(#large, get("/a", STREAM):save(path))
      local file <close> = assert(io.open(path, "rb"))
      assert.is_true(file:read("a") == large)
    end)

    it("needs no more memory for hundreds of mebibytes, in, out or past it", function()
      local keeping = caching({ ttl = 1000 })
      local refusing = caching({ ttl = 1000, store = place:open({ max_entry_bytes = MEBIBYTE }) })
      for round = 1, 3 do
        local before = resident.start()
        local by = round == 3 and refusing or keeping
        local url = web.url .. (round == 3 and "/huge?other" or "/huge")
        local response = assert(by:send({ url = url, stream = true }))
        local size = 0
        for chunk in response:chunks() do
          size = size + #chunk
        end
        assert.same({ huge * MEBIBYTE, round == 2 }, { size, response.from_cache })
        local grown = (resident.peak() - before) // MEBIBYTE
        if (os.getenv("RUN_UNDER") or "") == "" then -- a sanitizer keeps what is freed for a while
          assert.is_true(grown < 24, grown .. " MiB more")
        end
      end
      assert.is_true(store:bytes() > huge * MEBIBYTE)
    end)

    it("shows nothing of it before its end, and keeps nothing that was not read to that", function()
      local response = get("/a", STREAM)
      local size = 0
      while size < 2 * PIECE do
        size = size + #assert(response:read())
      end
      assert.is_true(pieces() > 0)
      assert.is_false(get("/a", STREAM).from_cache)
      response:close()
      assert.same({ 0, 0 }, { pieces(), store:count() })
      local left <close> = get("/a", STREAM)
      while pieces() == 0 do
        assert(left:read())
      end
      left:close()
      assert.same({ 0, 0 }, { pieces(), store:count() })
    end)

    it("keeps nothing that was cut off, or ends with the connection alone", function()
      server:route("/cut", { close = true, raw = ("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"
        .. "Content-Length: %d\r\n\r\n%s"):format(#large + 1, large) })
      local bytes, err = streams.read_all(get("/cut", STREAM))
      assert.same({ #large, "truncated" }, { #bytes, err.kind })
      server:route("/open", { close = true,
        raw = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n\r\n" .. large })
      local response = get("/open", STREAM)
      assert.equal(#large, #streams.rest_of(response))
      assert.equal("unknown", response.complete)
      assert.same({ 0, 0 }, { pieces(), store:count() })
    end)

    it("keeps nothing that was invalidated on its way", function()
      local response = get("/a", STREAM)
      assert(response:read())
      store:delete(server.url .. "/a")
      assert.is_true(#streams.rest_of(response) > 0)
      assert.same({ 0, 0 }, { pieces(), store:count() })
    end)

    it("keeps a small one as any other, and one that is too large not at all", function()
      server:route("/small", { headers = { FRESH }, body = "small" })
      assert.equal("small", streams.rest_of(get("/small", STREAM)))
      assert.same({ "small", true }, { get("/small").body, get("/small").from_cache })
      assert.equal(0, pieces())
      for _, limits in ipairs({ { max_entry_bytes = 600000 }, { max_bytes = 600000 } }) do
        local bounded = caching({ store = place:open(limits) })
        for _ = 1, 2 do
          local response = get("/a", STREAM, bounded)
          assert.is_true(streams.rest_of(response) == large)
          assert.is_false(response.from_cache)
        end
        assert.equal(0, pieces())
        assert.is_true(bounded.store:bytes() < 600000)
      end
    end)

    it("has it whole for those who want that, and its head and parts", function()
      streams.rest_of(get("/a", STREAM))
      assert.is_true(get().body == large)
      local part = get("/a", { headers = { Range = "bytes=300000-300007" } })
      assert.same({ 206, large:sub(300001, 300008) }, { part.status_code, part.body })
      local partial = get("/a", { headers = { Range = "bytes=8-15" }, stream = true })
      assert.same({ 206, large:sub(9, 16) }, { partial.status_code, streams.rest_of(partial) })
      local head = get("/a", { method = "HEAD" })
      assert.same({ "", tostring(#large), true },
        { head.body, head.headers["Content-Length"], head.from_cache })
      local unchanged = get("/a", { headers = { ["If-None-Match"] = '"v"' }, stream = true })
      assert.same({ 304, "" }, { unchanged.status_code, streams.rest_of(unchanged) })
      assert.equal(1, server:count("/a"))
    end)

    it("puts what came whole apart, too", function()
      assert.is_true(get().body == large)
      assert.equal(5, pieces())
      local response = get("/a", STREAM)
      assert.same({ true, true }, { response.from_cache, response.streamed })
      assert.is_true(streams.rest_of(response) == large)
      assert.is_true(get().body == large)
      assert.equal(1, server:count("/a"))
    end)

    it("freshens the head of it, and leaves the body where it is", function()
      server:route("/a", { headers = { { "Cache-Control", "no-cache" } }, body = large,
        etag = '"v"' })
      streams.rest_of(get("/a", STREAM))
      for _ = 1, 3 do
        local response = get("/a", STREAM)
        assert.is_true(response.from_cache)
        assert.is_true(streams.rest_of(response) == large)
        assert.same({ 1, 5 }, { store:count(), pieces() })
      end
      assert.is_true(get().body == large)
      assert.same({ 1, 5 }, { store:count(), pieces() })
      server:route("/a", { headers = { FRESH }, body = "new", etag = '"w"' })
      assert.equal("new", streams.rest_of(get("/a", STREAM)))
      assert.equal(1, store:count())
      assert.equal("new", get().body)
    end)

    it("keeps one that is replaced for a minute, for those who are reading it", function()
      server:route("/a", { headers = { FRESH }, body = large })
      local function read_while_replaced()
        streams.rest_of(get("/a", STREAM))
        local response = get("/a", STREAM)
        local first = response:read()
        get("/a", { headers = { ["Cache-Control"] = "no-cache" }, stream = true }):save(
          place.directory .. "/saved")
        assert.is_true(first .. streams.rest_of(response) == large)
      end
      read_while_replaced()
      assert.same({ 1, 10 }, { store:count(), pieces() })
      assert.is_true(store:bytes() > 2 * #large)
      sql("UPDATE entries SET expires = 1 WHERE hash = 0")
      store:put("other", "", "e", { seconds = 10 })
      assert.same({ 2, 5 }, { store:count(), pieces() })
      assert.is_true(store:bytes() < 2 * #large)
      read_while_replaced()
      store:delete(server.url .. "/a")
      assert.same({ 1, 5 }, { store:count(), pieces() })
      store:clear()
      assert.same({ 0, 0, 0 }, { store:count(), store:bytes(), pieces() })
    end)

    it("makes room for others of what was replaced", function()
      server:route("/a", { headers = { FRESH }, body = large })
      local bounded = caching({ store = place:open({ max_bytes = 3 * #large }) })
      for _ = 1, 5 do
        local response = get("/a", { headers = { ["Cache-Control"] = "no-cache" }, stream = true },
          bounded)
        assert.is_true(streams.rest_of(response) == large)
        assert.is_true(bounded.store:bytes() <= 3 * #large)
        assert.is_true(pieces() <= 15)
      end
      assert.is_true(get("/a", STREAM, bounded).from_cache)
    end)

    it("stands in for a failure with it", function()
      server:route("/a", { headers = { { "Cache-Control", "max-age=0, stale-if-error=60" } },
        body = large })
      streams.rest_of(get("/a", STREAM))
      server:route("/a", { status = 503 })
      local response = get("/a", STREAM)
      assert.is_true(response.from_cache)
      assert.is_true(streams.rest_of(response) == large)
      assert.is_true(get().body == large)
      server:route("/a", { close = true })
      assert.is_true(get().body == large)
      sql("DELETE FROM pieces")
      local _, err = sender:send({ url = server.url .. "/a" })
      assert.equal("empty_reply", err.kind)
    end)

    it("sends again where the body of what is confirmed is gone", function()
      local confirmed = { { "Cache-Control", "no-cache" } }
      server:route("/a", { headers = confirmed, body = large, etag = '"v"' })
      streams.rest_of(get("/a", STREAM))
      sql("DELETE FROM pieces")
      local response = get()
      assert.same({ 200, false }, { response.status_code, response.from_cache })
      assert.is_true(response.body == large)
      assert.equal(3, server:count("/a"))
      assert.is_false(get().from_cache)
      assert.is_true(get().from_cache)
    end)

    it("drops what turns out to be damaged", function()
      streams.rest_of(get("/a", STREAM))
      sql("DELETE FROM pieces WHERE id = (SELECT max(id) FROM pieces)")
      local _, err = streams.read_all(get("/a", STREAM))
      assert.equal("truncated", err.kind)
      assert.same({ 0, 0 }, { store:count(), pieces() })
      for round = 1, 2 do
        local response = get("/a", STREAM)
        assert.equal(round > 1, response.from_cache)
        assert.is_true(streams.rest_of(response) == large)
      end
    end)

    it("reads but the body that it hands out", function()
      for _, language in ipairs({ "de", "en" }) do
        server:route("/v", { headers = { FRESH, { "Vary", "Accept-Language" } },
          body = language .. large })
        streams.rest_of(get("/v", { headers = { ["Accept-Language"] = language }, stream = true }))
      end
      local read, reads = store.read_body, 0
      store.read_body = function(...)
        reads = reads + 1
        return read(...)
      end
      local response = get("/v", { headers = { ["Accept-Language"] = "de" } })
      assert.same({ true, "de" .. large }, { response.from_cache, response.body })
      assert.equal(5, reads)
    end)

    it("ends with an error, not with another's bytes, where it goes while it is read", function()
      local other = ("x"):rep(#large)
      for _, act in ipairs({
        function() store:delete(server.url .. "/a") end,
        function() store:clear() end,
        function()
          store:clear()
          server:route("/a", { headers = { FRESH }, body = other })
          streams.rest_of(get("/a", STREAM))
        end,
        function() sql("UPDATE pieces SET bytes = zeroblob(length(bytes))") end,
        function()
          sql("DELETE FROM pieces WHERE id = (SELECT min(id) FROM pieces);"
            .. "UPDATE pieces SET id = id - 1")
        end,
      }) do
        store:clear()
        server:route("/a", { headers = { FRESH }, body = large })
        streams.rest_of(get("/a", STREAM))
        local response = get("/a", STREAM)
        assert.same({ true, nil }, { response.from_cache, store:stats().last_error })
        local first = response:read()
        act()
        local rest, err = streams.read_all(response)
        assert.same({ PIECE, 0, "truncated" }, { #first, #rest, err.kind })
        assert.matches("dropped or damaged", tostring(err))
        assert.is_false(response.complete)
        assert.equal("truncated", select(2, response:read()).kind)
      end
      assert.is_false(get().from_cache)
    end)

    it("counts a miss where it is gone for those who want it whole", function()
      assert.is_true(get().body == large)
      sql("DELETE FROM pieces WHERE id = (SELECT max(id) FROM pieces)")
      assert.is_false(get().from_cache)
      assert.same({ 0, 2 }, { store:stats().hits, store:stats().misses })
      assert.is_true(get().from_cache)
    end)

    it("says that it was closed to who goes on reading", function()
      streams.rest_of(get("/a", STREAM))
      local response = get("/a", STREAM)
      assert(response:read())
      response:close()
      local _, err = response:read()
      assert.same({ "closed", false }, { err.kind, response.complete })
    end)

    it("locks nobody out between two pieces", function()
      local other = place:open({ busy_timeout = 0 })
      for _ in get("/a", STREAM):chunks() do
        assert.is_true(other:put("other", "", "e", { seconds = 10 }))
      end
      assert.is_true(get("/a", STREAM).from_cache)
    end)

    it("leaves bodies whole to functions of the user's, and to a store near by", function()
      for _, options in ipairs({
        { store_if = function(_, response) return response.body ~= "" end },
        { ttl = function() return 60 end },
        { store = viesti.tiered({ viesti.Store(), store }) },
        { store = stores.plain().open() },
      }) do
        local plain = caching(options)
        local response = get("/a", STREAM, plain)
        assert.is_true(streams.rest_of(response) == large)
        assert.equal("incomplete", response.cache.refused)
        assert.equal(0, store:count())
      end
      streams.rest_of(get("/a", STREAM))
      local near = caching({ store = viesti.tiered({ viesti.Store(), store }) })
      for _ = 1, 2 do
        assert.is_true(streams.rest_of(get("/a", STREAM, near)) == large)
        assert.is_true(get("/a", nil, near).body == large)
      end
      assert.equal(5, server:count("/a"))
    end)
  end)
end

describe("sqlite, for a large body,", function()
  it("sweeps what a crash has left of it", function()
    local place <close> = new_place()
    local pipe = process.popen_script(([[
      local store = require("viesti.sqlite")(%q)
      local body = store:begin_body()
      for number = 1, 3 do
        store:write_body(body, number, ("x"):rep(1000))
      end
      os.execute("kill -9 " .. io.open("/proc/self/stat"):read("n"))
    ]]):format(place.path))
    local output = pipe:read("a")
    pipe:close()
    local function count()
      return process.run(("sqlite3 %s 'SELECT count(*) FROM pieces'"):format(place.path))
    end
    local store = place:open()
    store:put("a", "", "e", { seconds = 10 })
    assert.same({ "", "3" }, { output, (count():gsub("%s", "")) })
    process.run(("sqlite3 %s 'UPDATE entries SET expires = 1 WHERE hash = 0'"):format(place.path))
    store:put("b", "", "e", { seconds = 10 })
    assert.equal("0", (count():gsub("%s", "")))
    assert.equal(2, store:count())
  end)
end)
