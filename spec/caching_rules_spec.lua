-- The rules of HTTP caching by section, over real sockets and every kind of store.

local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local stores = require("spec.support.stores")

local function http_date(offset)
  return os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + (offset or 0))
end

local function control(value, ...)
  return { { "Cache-Control", value }, ... }
end

for name, new_place in pairs(stores) do
  describe("CachingSender over a store of kind " .. name, function()
    local server = fixture.origin()
    local concrete, place

    setup(function()
      concrete = viesti.SyncSender()
      place = new_place()
    end)

    teardown(function()
      concrete:close()
      place:remove()
    end)

    local function caching(options)
      options = options or {}
      options.sender, options.store = concrete, place.open()
      return viesti.CachingSender(options)
    end

    local function get(sender, headers, method)
      return assert(sender:send({ url = server.url .. "/x", headers = headers, method = method }))
    end

    -- The second of two responses to GETs of what is answered by this script.
    local function second(script, options, headers, first_headers)
      server:reset()
      server:route("/x", script)
      local sender = caching(options)
      get(sender, first_headers)
      return get(sender, headers), sender
    end

    local function is_stored(answer, options, headers)
      return second(answer, options, headers, headers).cache.hit
    end

    local function requests()
      return server:count("/x")
    end

    describe("3: stores", function()
      it("redirects and other successes that say for how long", function()
        for _, status in ipairs({ 200, 203, 204, 299, 301, 302, 307, 308 }) do
          assert.is_true(is_stored({ status = status, headers = control("max-age=60") }))
        end
      end)

      it("errors only if asked to, and only with a lifetime", function()
        local missing = { status = 404, headers = control("max-age=60") }
        local old = { status = 404, headers = { { "Last-Modified", http_date(-1e6) } } }
        assert.is_false(is_stored(missing))
        assert.is_true(is_stored(missing, { store_errors = true }))
        assert.is_true(is_stored({ status = 503, headers = control("max-age=60") },
          { store_errors = true }))
        assert.is_false(is_stored(old, { store_errors = true }))
        assert.is_true(is_stored(old, { store_errors = true, heuristic = 0.1 }))
      end)

      it("what must be understood in spite of no-store, if its status is", function()
        assert.is_true(is_stored({ headers = control("max-age=60, no-store, must-understand") }))
        assert.is_false(is_stored({ status = 299,
          headers = control("max-age=60, no-store, must-understand") }))
      end)

      it("3.5: what a 304 to a request with Authorization says, if that is for all", function()
        local function seen_by_others(said)
          server:route("/x", { { body = "x", headers = control("max-age=0", { "ETag", '"v"' }) },
            { status = 304, headers = control(said, { "Set-Cookie", "user=a" }) },
            { status = 304, headers = control("max-age=60") } })
          local sender = caching()
          get(sender)
          local own = get(sender, { Authorization = "Bearer x" })
          assert.same({ "x", "user=a" }, { own.body, own.headers["Set-Cookie"] })
          local other = get(sender)
          assert.equal("x", other.body)
          return other.headers["Set-Cookie"], other.cache.hit
        end
        assert.same({ nil, false }, { seen_by_others "max-age=60" })
        assert.same({ "user=a", true }, { seen_by_others "max-age=60, public" })
      end)

      it("3.1: without the fields of the connection, which the first caller gets", function()
        local response = second({ body = "x", headers = control("max-age=60",
          { "Connection", "X-Hop" }, { "X-Hop", "1" }, { "Keep-Alive", "timeout=9" },
          { "X-End", "2" }) })
        assert.same({ nil, nil, "2" }, { response.headers["X-Hop"],
          response.headers["Keep-Alive"], response.headers["X-End"] })
      end)

      it("5.2.2.4: without the fields that no-cache names, which the first caller gets", function()
        local answer = { body = "x", headers = control('max-age=60, no-cache="X-A, set-cookie"',
          { "X-A", "1" }, { "Set-Cookie", "a=b" }, { "X-B", "2" }) }
        server:route("/x", answer)
        local sender = caching()
        assert.equal("1", get(sender).headers["X-A"])
        local response = get(sender)
        assert.is_true(response.cache.hit)
        assert.same({ nil, nil, "2" }, { response.headers["X-A"],
          response.headers["Set-Cookie"], response.headers["X-B"] })
      end)
    end)

    describe("4.1: by Vary", function()
      local function varying(value, options)
        local headers = control("max-age=60", { "Vary", "Accept-Language" })
        return second({ body = "x", headers = headers }, options, { ["Accept-Language"] = value },
          { ["Accept-Language"] = "fi, en;q=0.5" })
      end

      it("takes values for the same that mean the same", function()
        assert.is_true(varying("en; q=0.5,FI").cache.hit)
        assert.is_false(varying("en").cache.hit)
        assert.equal("vary-miss", varying("en").cache.forwarded)
      end)

      it("takes a list for the same with any blanks around its commas", function()
        local answer = { headers = control("max-age=60", { "Vary", "X-A, Cookie" }) }
        local function hits(first, other)
          return second(answer, nil, other, first).cache.hit
        end
        assert.is_true(hits({ ["X-A"] = "1,2" }, { ["X-A"] = " 1 , 2 " }))
        assert.is_false(hits({ ["X-A"] = "1,2" }, { ["X-A"] = "2,1" }))
        assert.is_false(hits({ Cookie = "a,b" }, { Cookie = "a, b" }))
      end)

      it("serves what is in the language that is liked best, if asked to", function()
        local function hits(value, options)
          local headers = control("max-age=60", { "Vary", "Accept-Language" },
            { "Content-Language", "de" })
          return second({ body = "x", headers = headers }, options, { ["Accept-Language"] = value },
            { ["Accept-Language"] = "en, de" }).cache.hit
        end
        assert.is_true(hits("fr;q=0.5, de;q=1.0", { select_language = true }))
        assert.is_false(hits("fr, de;q=0.9", { select_language = true }))
        assert.is_false(hits("fr;q=0.5, de;q=1.0"))
      end)

      it("does not take an empty field for an absent one", function()
        local answer = { headers = control("max-age=60", { "Vary", "X-A" }) }
        assert.is_false(second(answer, nil, { ["X-A"] = "" }).cache.hit)
        assert.is_true(second(answer, nil, { ["X-A"] = "" }, { ["X-A"] = "" }).cache.hit)
      end)

      it("asks by the ETags of other variants, and takes the one that the server names", function()
        server:route("/x", {
          { body = "one", etag = '"1"', headers = control("max-age=60", { "Vary", "X-A" }) },
          { body = "two", etag = '"2"', headers = control("max-age=60", { "Vary", "X-A" }) },
          { status = 304, headers = control("max-age=60", { "ETag", '"1"' }, { "Vary", "X-A" }) } })
        local sender = caching()
        get(sender, { ["X-A"] = "1" })
        get(sender, { ["X-A"] = "2" })
        local response = get(sender, { ["X-A"] = "3" })
        assert.same({ "one", true, 304 },
          { response.body, response.from_cache, response.cache.forward_status })
        local asked = server:requests()[3]
        assert.is_nil(asked.header("If-Modified-Since"))
        assert.truthy(asked.header("If-None-Match"):find('"1"', 1, true))
        assert.truthy(asked.header("If-None-Match"):find('"2"', 1, true))
        assert.is_true(get(sender, { ["X-A"] = "3" }).cache.hit)
        assert.equal("two", get(sender, { ["X-A"] = "2" }).body)
      end)
    end)

    it("4.3.1: asks by as many ETags of other variants as a field should have", function()
      local answers = {}
      for index = 1, 16 do
        answers[index] = { body = tostring(index), etag = ('"%s%d"'):format(("x"):rep(500), index),
          headers = control("max-age=60", { "Vary", "X-A" }) }
      end
      server:route("/x", answers)
      local sender = caching()
      for index = 1, 16 do
        get(sender, { ["X-A"] = tostring(index) })
      end
      get(sender, { ["X-A"] = "other" })
      local asked = server:requests()[17].header("If-None-Match")
      assert.is_true(#asked > 1500 and #asked < 2600)
    end)

    describe("4.2: takes for fresh", function()
      it("for a part of its age what says nothing, if asked to, for a day at most", function()
        local old = { headers = { { "Last-Modified", http_date(-1000) }, { "Date", http_date() } } }
        assert.is_false(is_stored(old))
        local response = second(old, { heuristic = 0.1 })
        assert.is_true(response.cache.hit)
        assert.is_true(response.cache.ttl > 90 and response.cache.ttl <= 100)
        response = second({ headers = { { "Last-Modified", http_date(-1e8) } } },
          { heuristic = 0.1 })
        assert.is_true(response.cache.ttl <= 86400)
      end)

      it("what a field aimed at caches like it says, in the place of all else", function()
        local options = { targeted = { "CDN-Cache-Control" } }
        local function aimed(value)
          return { headers = control("no-store", { "CDN-Cache-Control", value },
            { "Expires", "0" }) }
        end
        assert.is_true(is_stored(aimed("max-age=60"), options))
        assert.is_false(is_stored(aimed("max-age=60, private"), options))
        assert.is_false(is_stored(aimed("max-age=60,"), options))
        assert.is_false(is_stored(aimed("max-age=60")))
      end)

      it("8246: what is immutable, even on a reload", function()
        local reload = { ["Cache-Control"] = "max-age=0" }
        for value, hit in pairs({ ["max-age=60, immutable"] = true, ["max-age=60"] = false }) do
          assert.equal(hit, second({ headers = control(value) }, nil, reload).cache.hit)
        end
      end)
    end)

    describe("4.2.4 and 5861: serves what is stale", function()
      local failing = { { body = "old", headers = control("max-age=0", { "ETag", '"v"' }) },
        { status = 503 } }
      local gone = { failing[1], { close = true } }

      it("in the place of a server error, where the server or the user allows it", function()
        assert.equal(503, second(failing).status_code)
        local response = second(failing, { stale_if_error = 60 })
        assert.same({ "old", true, false, 503 }, { response.body, response.from_cache,
          response.cache.hit, response.cache.forward_status })
        assert.is_true(response.cache.ttl < 0)
        response = second({ { body = "old", headers = control("max-age=0, stale-if-error=60",
          { "ETag", '"v"' }) }, { status = 500 } })
        assert.equal("old", response.body)
      end)

      it("where nothing answers, if asked to", function()
        server:route("/x", gone)
        local sender = caching()
        get(sender)
        assert.is_nil((sender:send({ url = server.url .. "/x" })))
        for _, options in ipairs({ { stale_on_disconnect = true }, { stale_if_error = 60 } }) do
          assert.equal("old", second(gone, options).body)
        end
      end)

      it("after answers that say nothing of it, but of a user's rights, say", function()
        for _, status in ipairs({ 401, 403, 408, 429 }) do
          local response, sender = second({ failing[1], { status = status }, { status = 503 } },
            { stale_if_error = 60 })
          assert.equal(status, response.status_code)
          assert.equal("old", get(sender).body)
        end
        local response, sender = second({ failing[1], { status = 410 }, { status = 503 } },
          { stale_if_error = 60 })
        assert.same({ 410, 503 }, { response.status_code, get(sender).status_code })
      end)

      it("never where the server or the request forbids it", function()
        local options = { stale_if_error = 60, stale_on_disconnect = true }
        for _, value in ipairs({ "max-age=0, must-revalidate", "s-maxage=0", "no-cache",
          "max-age=0, proxy-revalidate" }) do
          local script = { { headers = control(value, { "ETag", '"v"' }) }, { status = 503 } }
          assert.equal(503, second(script, options).status_code)
        end
        assert.equal(503, second(failing, options, { ["Cache-Control"] = "no-cache" }).status_code)
      end)
    end)

    describe("4.3: on validation", function()
      it("3.2: takes over the fields of a 304 but those of a body, Cache-Control whole", function()
        local response = second({
          { body = "four", etag = '"v"', headers = control("max-age=0", { "X-A", "1" },
            { "Content-Type", "text/a" }, { "X-B", "1" }) },
          { status = 304, headers = control("max-age=60", { "ETag", '"v"' }, { "X-A", "2" },
            { "Content-Type", "text/b" }, { "Content-Range", "bytes 0-1/2" }) } })
        assert.same({ "four", "2", "1", "text/b", "4", nil, "max-age=60" }, { response.body,
          response.headers["X-A"], response.headers["X-B"], response.headers["Content-Type"],
          response.headers["Content-Length"], response.headers["Content-Range"],
          response.headers["Cache-Control"] })
      end)

      it("drops what a 304 says is private or not to be stored", function()
        for _, value in ipairs({ "private", "no-store" }) do
          local response, sender = second({
            { body = "x", etag = '"v"', headers = control("max-age=0") },
            { status = 304, headers = control(value, { "ETag", '"v"' }) }, { body = "y" } })
          assert.equal("x", response.body)
          assert.equal("y", get(sender).body)
          assert.is_nil(server:requests()[3].header("If-None-Match"))
        end
      end)

      it("4.3.2: answers the caller's own condition out of the store", function()
        local answer = { body = "x", etag = '"v"', headers = control("max-age=60",
          { "Last-Modified", http_date(-100) }) }
        for _, condition in ipairs({ { ["If-None-Match"] = '"a", W/"v"' },
          { ["If-None-Match"] = "*" }, { ["If-Modified-Since"] = http_date(-100) } }) do
          local response = second(answer, nil, condition)
          assert.same({ 304, "", '"v"', 1 }, { response.status_code, response.body,
            response.headers["ETag"], requests() })
        end
        for _, condition in ipairs({ { ["If-None-Match"] = '"a"' },
          { ["If-Modified-Since"] = http_date(-200) } }) do
          assert.equal("x", second(answer, nil, condition).body)
        end
      end)

      it("gives a 304 to the caller's own condition to the caller, and learns by it", function()
        local script = { { body = "x", etag = '"v"', headers = control("max-age=0") },
          { status = 304, headers = control("max-age=60", { "ETag", '"v"' }) } }
        local response, sender = second(script, nil, { ["If-None-Match"] = '"v"' })
        assert.equal(304, response.status_code)
        assert.same({ true, "x" }, { get(sender).cache.hit, get(sender).body })
      end)

      it("4.3.5: freshens by the answer to a HEAD, or takes what is stored for stale", function()
        local stored = { body = "four", etag = '"v"', headers = control("max-age=60") }
        local _, sender = second({ stored, { body = "four", etag = '"v"',
          headers = control("max-age=600") } }, nil, nil)
        get(sender, { ["Cache-Control"] = "no-cache" }, "HEAD")
        assert.is_true(get(sender).cache.ttl > 60)
        server:reset()
        server:route("/x", { stored, { body = "other", headers = control("max-age=600") },
          { status = 304 } })
        sender = caching()
        get(sender)
        get(sender, { ["Cache-Control"] = "no-cache" }, "HEAD")
        local response = get(sender)
        assert.same({ "stale", 304, "four" }, { response.cache.forwarded,
          response.cache.forward_status, response.body })
      end)
    end)

    it("answers a HEAD by what a GET stored", function()
      server:route("/x", { body = "four", headers = control("max-age=60", { "X-A", "1" }) })
      local sender = caching()
      get(sender)
      local response = get(sender, nil, "HEAD")
      assert.same({ 200, "", "1", "4", true }, { response.status_code, response.body,
        response.headers["X-A"], response.headers["Content-Length"], response.cache.hit })
      assert.equal(1, requests())
    end)

    describe("ranges:", function()
      local whole = { body = "0123456789", etag = '"v"', headers = control("max-age=60") }

      it("serves them out of a whole response", function()
        for range, expected in pairs({ ["bytes=2-4"] = "234 bytes 2-4/10",
          ["bytes=7-"] = "789 bytes 7-9/10", ["bytes=-3"] = "789 bytes 7-9/10",
          ["bytes=8-99"] = "89 bytes 8-9/10" }) do
          local response = second(whole, nil, { Range = range })
          assert.same({ 206, expected, 1 }, { response.status_code,
            response.body .. " " .. response.headers["Content-Range"], requests() })
          assert.equal(tostring(#response.body), response.headers["Content-Length"])
        end
        local response = second(whole, nil, { Range = "bytes=10-" })
        assert.same({ 416, "bytes */10" },
          { response.status_code, response.headers["Content-Range"] })
      end)

      it("heeds If-Range, and sends several ranges and other units on", function()
        assert.equal(206, second(whole, nil, { Range = "bytes=1-1", ["If-Range"] = '"v"' })
          .status_code)
        assert.equal(200, second(whole, nil, { Range = "bytes=1-1", ["If-Range"] = '"w"' })
          .status_code)
        for _, range in ipairs({ "bytes=1-2, 4-5", "lines=1-2", "bytes=2-1" }) do
          assert.equal("bypass", second(whole, nil, { Range = range }).cache.forwarded)
        end
      end)

      local part = { status = 206, body = "01234", headers = control("max-age=60",
        { "Content-Range", "bytes 0-4/10" }, { "ETag", '"v"' }) }

      it("3.4: keeps a part, and serves what lies in it", function()
        local first = { Range = "bytes=0-4" }
        local response = second(part, nil, { Range = "bytes=1-2" }, first)
        assert.same({ 206, "12", "bytes 1-2/10", 1 }, { response.status_code, response.body,
          response.headers["Content-Range"], requests() })
        assert.equal("partial", second({ part, whole }, nil, { Range = "bytes=3-7" }, first).cache
          .forwarded)
      end)

      it("3.4: asks for what a part lacks, if it is still of the same whole", function()
        local rest = { status = 206, body = "56789", headers = control("max-age=60",
          { "Content-Range", "bytes 5-9/10" }, { "ETag", '"v"' }) }
        local response, sender = second({ part, rest }, nil, nil, { Range = "bytes=0-4" })
        assert.same({ 200, "0123456789", nil }, { response.status_code, response.body,
          response.headers["Content-Range"] })
        local asked = server:requests()[2]
        assert.same({ "bytes=5-", '"v"' }, { asked.header("Range"), asked.header("If-Range") })
        assert.same({ true, "0123456789" }, { get(sender).cache.hit, get(sender).body })
        assert.equal("0123456789", second({ part, whole }, nil, nil, { Range = "bytes=0-4" }).body)
      end)

      it("takes no part for a whole, nor two of different wholes for one", function()
        local other = { status = 206, body = "56789", headers = control("max-age=60",
          { "Content-Range", "bytes 5-9/10" }, { "ETag", '"w"' }) }
        local response = second({ part, other, whole }, nil, nil, { Range = "bytes=0-4" })
        assert.same({ 200, "0123456789" }, { response.status_code, response.body })
        assert.equal(3, requests())
      end)
    end)

    it("4.4: stores nothing that was asked for before an invalidation", function()
      local sender
      local invalidating = viesti.Sender:extend("InvalidatingSender")
      function invalidating.send(_, request)
        local response = assert(concrete:send(request))
        if request.method == "GET" then -- somebody else changes it meanwhile
          assert(sender:send({ url = request.url, method = "PUT" }))
        end
        return response
      end
      server:route("/x", { headers = control("max-age=60") })
      sender = viesti.CachingSender({ sender = invalidating(), store = place.open() })
      assert.is_false(get(sender).cache.stored)
      assert.is_false(get(sender).cache.hit)
    end)

    it("9110 9.3.3: keeps for GETs what a POST says is what they would get", function()
      server:route("/x", { { body = "posted", headers = control("max-age=60",
        { "Content-Location", "/x" }) }, { body = "got" } })
      local sender = caching()
      assert(sender:send({ url = server.url .. "/x", method = "POST", content = "in" }))
      assert.equal("posted", get(sender).body)
      server:reset()
      server:route("/x", { { body = "posted", headers = control("max-age=60") }, { body = "got" } })
      sender = caching()
      assert(sender:send({ url = server.url .. "/x", method = "POST", content = "in" }))
      assert.equal("got", get(sender).body)
    end)
  end)
end
