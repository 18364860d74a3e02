local viesti = require("viesti")
local nginx = require("spec.support.nginx")
local fixture = require("spec.support.fixture")
local origin = require("spec.support.origin")

local CachingSender = viesti.CachingSender

describe("CachingSender", function()
  local server = fixture.origin()
  local concrete

  setup(function()
    concrete = viesti.SyncSender()
  end)

  teardown(function()
    concrete:close()
  end)

  local function caching(max_size)
    return CachingSender(max_size, concrete)
  end

  local function fresh_for(seconds, more)
    local headers = { { "Cache-Control", "max-age=" .. seconds } }
    return table.move(more or {}, 1, #(more or {}), 2, headers)
  end

  local function get(sender, path, headers, params)
    return assert(sender:send({ url = server.url .. path, headers = headers, params = params }))
  end

  -- How many of two equal requests reach the server; how many responses are kept after that.
  local function fetched(answer, headers)
    local sender = caching()
    server:reset()
    server:route("/x", answer)
    get(sender, "/x", headers)
    get(sender, "/x", headers)
    return server:count("/x"), sender.store:count()
  end

  local function assert_not_stored(answer, headers)
    assert.same({ 2, 0 }, { fetched(answer, headers) })
  end

  it("sends over a SyncSender of its own where none is given, without a bound", function()
    local sender <close> = CachingSender()
    assert.equal("SyncSender", sender.sender.name)
    assert.is_nil(sender.max_size)
    assert.equal(7, caching(7).max_size)
  end)

  describe("serves again without asking", function()
    it("what is fresh, whatever the case of the server's header names", function()
      local sender = caching()
      server:route("/x", { body = "once", headers = { { "cache-control", "max-age=60" },
        { "x-more", "kept" } } })
      local first, second = get(sender, "/x"), get(sender, "/x")
      assert.same({ false, true }, { first.from_cache, second.from_cache })
      assert.same({ 200, "OK", "once", "kept", server.url .. "/x" }, { second.status_code,
        second.reason, second.body, second.headers["X-More"], second.url })
      assert.equal(1, server:count("/x"))
    end)

    it("what nginx lets be stored", function()
      local web <close> = nginx.start()
      local sender <close> = CachingSender(10, viesti.SyncSender())
      for _ = 1, 3 do
        assert(sender:send({ url = web.url .. "/cache/max-age/text.txt" }))
      end
      assert.equal(1, web:requests())
      for _ = 1, 3 do
        assert(sender:send({ url = web.url .. "/gzip/text.txt" }))
      end
      assert.matches(" 304 %d+ %d+ W/\".+\"$", web:log()[3])
    end)

    it("with an Age", function()
      local sender = caching()
      server:route("/x", { headers = fresh_for(60, { { "Age", "5" } }) })
      assert.equal("5", get(sender, "/x").headers["Age"])
      assert.equal("5", get(sender, "/x").headers["Age"])
      viesti.sleep(1.01)
      assert.equal("6", get(sender, "/x").headers["Age"])
    end)

    it("what Expires says is fresh, and what s-maxage says over max-age", function()
      local date = { "Date", os.date("!%a, %d %b %Y %H:%M:%S GMT") }
      local later = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 60)
      assert.equal(1, fetched({ headers = { date, { "Expires", later } } }))
      assert.equal(2, fetched({ headers = { date, { "Expires", "0" } } }))
      assert.equal(2, fetched({ headers = { { "Cache-Control", "max-age=60, s-maxage=0" } } }))
      assert.equal(1, fetched({ headers = { { "Cache-Control", "max-age=0, S-MaxAge=60" } } }))
    end)
  end)

  describe("keeps apart", function()
    it("requests with other params, however they are given", function()
      local sender = caching()
      server:route("/x", { headers = fresh_for(60) })
      get(sender, "/x", nil, { a = 1 })
      get(sender, "/x", nil, { a = 2 })
      get(sender, "/x")
      assert.equal(3, server:count("/x"))
      assert.is_true(get(sender, "/x?a=2").from_cache)
      assert.is_true(get(sender, "/x", nil, { { "a", "1" } }).from_cache)
      assert.equal(3, server:count("/x"))
    end)

    it("responses that Vary by a header, one for each value", function()
      local sender = caching()
      local headers = fresh_for(60, { { "vary", "accept-LANGUAGE" } })
      server:route("/x", { { body = "en", headers = headers }, { body = "fi", headers = headers },
        { body = "none", headers = headers } })
      for _ = 1, 2 do
        assert.equal("en", get(sender, "/x", { ["Accept-Language"] = "en" }).body)
        assert.equal("fi", get(sender, "/x", { ["accept-language"] = "fi" }).body)
        assert.equal("none", get(sender, "/x").body)
      end
      assert.equal(3, server:count("/x"))
    end)
  end)

  describe("for a single user", function()
    local token = { Authorization = "Bearer x" }

    local function private(store)
      return CachingSender({ shared = false, sender = concrete, store = store })
    end

    local function assert_stored_by_private(value)
      local sender = private()
      server:reset()
      server:route("/x", { headers = { { "Cache-Control", value } } })
      get(sender, "/x", token)
      assert.is_true(get(sender, "/x", token).from_cache)
      assert.equal(1, server:count("/x"))
    end

    it("stores what is private, and what was asked for with Authorization", function()
      for _, value in ipairs({ "private, max-age=60", 'private="Set-Cookie", max-age=60',
        "max-age=60" }) do
        assert_stored_by_private(value)
      end
    end)

    it("goes by max-age where caches for many go by s-maxage", function()
      assert_stored_by_private("max-age=60, s-maxage=0")
    end)

    it("shares nothing with caches for many in the same Store", function()
      local store = viesti.Store()
      local of_one, of_many = private(store), CachingSender({ sender = concrete, store = store })
      server:route("/x", { headers = { { "Cache-Control", "private, max-age=60" } } })
      server:route("/y", { headers = fresh_for(60) })
      for path in pairs({ ["/x"] = 1, ["/y"] = 1 }) do
        assert.is_false(get(of_one, path).from_cache)
        assert.is_false(get(of_many, path).from_cache)
        assert.is_true(get(of_one, path).from_cache)
      end
      assert.same({ false, true }, { get(of_many, "/x").from_cache, get(of_many, "/y").from_cache })
    end)
  end)

  describe("does not store", function()
    it("what the server marks private or no-store, or what Varies by everything", function()
      for _, value in ipairs({ "private, max-age=60", "max-age=60, no-store", "NO-STORE",
        'Private="x", max-age=9' }) do
        assert_not_stored({ headers = { { "Cache-Control", value } }, etag = '"v"' })
      end
      assert_not_stored({ headers = fresh_for(60, { { "Vary", "*" } }) })
      assert_not_stored({ headers = fresh_for(60, { { "Vary", "Accept, *" } }) })
    end)

    it("errors", function()
      for _, status in ipairs({ 400, 404, 429, 500, 503 }) do
        assert_not_stored({ status = status, headers = fresh_for(60) })
      end
    end)

    it("a body that may have been cut off, for only the connection's end marked its own", function()
      local head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"
      assert_not_stored({ raw = head .. "\r\nbo", close = true })
      assert.equal(1, (fetched({ raw = head .. "Content-Length: 2\r\n\r\nbo", close = true })))
    end)

    it("what has neither a lifetime nor a tag", function()
      assert_not_stored({ body = "x" })
      assert_not_stored({ headers = { { "Cache-Control", "max-age=soon" } } })
    end)

    it("answers to anything but GET", function()
      local sender = caching()
      server:route("/x", { headers = fresh_for(60), body = "x" })
      for _, method in ipairs({ "POST", "PUT", "DELETE", "HEAD", "OPTIONS" }) do
        for _ = 1, 2 do
          assert(sender:send({ method = method, url = server.url .. "/x" }))
        end
      end
      assert.equal(10, server:count("/x"))
      get(sender, "/x")
      assert.equal(11, server:count("/x"))
    end)

    it("what is asked for with credentials in the URL, or that get in further inside", function()
      server:route("/x", { headers = fresh_for(60) })
      local sender = viesti.CachingSender()
      local url = server.url:gsub("//", "//user:password@") .. "/x"
      assert(sender:send({ url = url }))
      assert.is_false(assert(sender:send({ url = url })).from_cache)
      sender = viesti.CachingSender({ sender = viesti.AuthenticatingSender({ bearer = "x" }) })
      assert(sender:send({ url = server.url .. "/x" }))
      assert.is_false(assert(sender:send({ url = server.url .. "/x" })).from_cache)
      assert.equal(4, server:count("/x"))
    end)

    it("what redirects further inside led to, whose own lifetime nobody sees", function()
      server:route("/from", { status = 302,
        headers = { { "Location", "/x" }, { "Cache-Control", "no-store" } } })
      server:route("/x", { headers = fresh_for(60) })
      local sender = viesti.CachingSender({ sender = viesti.RedirectingSender() })
      for _ = 1, 2 do
        assert.equal(1, #assert(sender:send({ url = server.url .. "/from" })).history)
      end
      assert.equal(2, server:count("/from"))
    end)

    it("what was asked for with Authorization, unless the server says it may", function()
      local token = { Authorization = "Bearer x" }
      assert_not_stored({ headers = fresh_for(60) }, token)
      for _, value in ipairs({ "public, max-age=60", "s-maxage=60",
        "must-revalidate, max-age=60" }) do
        assert.equal(1, fetched({ headers = { { "Cache-Control", value } } }, token))
      end
    end)

    it("what the request marks no-store", function()
      assert_not_stored({ headers = fresh_for(60) }, { ["Cache-Control"] = "no-store" })
    end)
  end)

  it("forgets everything on clear", function()
    local sender = caching()
    server:route("/x", { headers = fresh_for(60) })
    get(sender, "/x")
    sender:clear()
    assert.is_false(get(sender, "/x").from_cache)
    assert.equal(2, server:count("/x"))
  end)

  it("discards the least recently used response beyond max_size", function()
    local sender = caching(2)
    for _, path in ipairs({ "/a", "/b", "/c" }) do
      server:route(path, { headers = fresh_for(60) })
    end
    for _, path in ipairs({ "/a", "/b", "/a", "/c", "/a", "/b" }) do
      get(sender, path)
    end
    assert.same({ 1, 2, 1 }, { server:count("/a"), server:count("/b"), server:count("/c") })
    assert.equal(2, sender.store:count())
  end)

  it("discards the least recently used beyond max_bytes, and keeps none so large", function()
    local body = ("x"):rep(10000)
    for _, path in ipairs({ "/a", "/b", "/c" }) do
      server:route(path, { headers = fresh_for(60), body = body })
    end
    local sender = CachingSender({ max_bytes = 25000, sender = concrete })
    for _, path in ipairs({ "/a", "/b", "/a", "/c", "/a", "/b" }) do
      get(sender, path)
    end
    assert.same({ 1, 2, 1 }, { server:count("/a"), server:count("/b"), server:count("/c") })
    assert.equal(2, sender.store:count())
    assert.is_true(sender.store:bytes() > 20000 and sender.store:bytes() <= 25000)
    sender = CachingSender({ max_entry_bytes = 10000, sender = concrete })
    get(sender, "/a")
    assert.equal(0, sender.store:count())
  end)

  it("forgets what a successful POST, PUT or DELETE may have changed", function()
    for _, method in ipairs({ "POST", "PUT", "PATCH", "DELETE" }) do
      server:reset()
      local sender = caching()
      server:route("/x", { headers = fresh_for(60) })
      get(sender, "/x")
      assert(sender:send({ method = method, url = server.url .. "/x" }))
      assert.is_false(get(sender, "/x").from_cache)
      server:route("/x", { status = 500 })
      assert(sender:send({ method = method, url = server.url .. "/x" }))
      assert.is_true(get(sender, "/x").from_cache)
    end
  end)

  it("forgets what a POST names in Location or Content-Location, at its own origin", function()
    local elsewhere <close> = origin.start()
    for _, name in ipairs({ "Location", "Content-Location" }) do
      local sender = caching()
      server:reset()
      for _, path in ipairs({ "/x", "/y" }) do
        server:route(path, { headers = fresh_for(60) })
        elsewhere:route(path, { headers = fresh_for(60) })
        get(sender, path)
        assert(sender:send({ url = elsewhere.url .. path }))
      end
      for _, value in ipairs({ "x", elsewhere.url .. "/x", "http://[" }) do
        server:route("/post", { status = 201, headers = { { name, value } } })
        assert(sender:send({ method = "POST", url = server.url .. "/post" }))
      end
      assert.is_false(get(sender, "/x").from_cache)
      assert.is_true(get(sender, "/y").from_cache)
      assert.is_true(assert(sender:send({ url = elsewhere.url .. "/x" })).from_cache)
    end
  end)

  it("shares what it stored with another that was given its store", function()
    local first = caching()
    local second = CachingSender({ sender = concrete, store = first.store })
    server:route("/x", { headers = fresh_for(60) })
    get(first, "/x")
    assert.is_true(get(second, "/x").from_cache)
    second:clear()
    assert.is_false(get(first, "/x").from_cache)
    for _, name in ipairs({ "max_size", "max_bytes", "max_entry_bytes" }) do
      assert.has_error(function() CachingSender({ store = first.store, [name] = 1 }) end,
        ("CachingSender: store and %s are both given; the bound belongs to the Store"):format(name))
    end
  end)

  it("never lets one caller edit what another gets", function()
    local sender = caching()
    server:route("/x", { json = { list = { 1, 2 } }, headers = fresh_for(60) })
    for _ = 1, 3 do
      local response = get(sender, "/x")
      assert.same({ 1, 2 }, response.content.list)
      table.insert(response.content.list, "edited")
      assert.has_error(function() response.status_code = 500 end)
      assert.has_error(function() response.headers["X"] = "y" end)
    end
    assert.equal(1, server:count("/x"))
  end)

  it("leaves the caller's request as it is", function()
    local sender = caching()
    server:route("/x", { etag = '"v"' })
    local request = viesti.Request({ url = server.url .. "/x" })
    assert(sender:send(request))
    assert(sender:send(request))
    assert.equal(2, server:count("/x"))
    assert.equal(0, #request.headers)
  end)

  it("serves tasks side by side over an AsyncSender", function()
    local sender <close> = CachingSender(100, viesti.AsyncSender())
    local urls = {}
    for index = 1, 100 do
      urls[index] = server.url .. "/x?" .. index % 10
    end
    server:route("/x", { body = "x", headers = fresh_for(60), delay = 0.02 })
    for round = 1, 2 do
      local responses = viesti.map(urls, function(url)
        return sender:send({ url = url })
      end, { concurrency = 10 })
      for _, response in ipairs(responses) do
        assert.is_true(response.body == "x" and (round == 1 or response.from_cache))
      end
    end
    assert.is_true(server:count("/x") <= 20)
  end)

  it("passes requests by whose Host is not that of their URL", function()
    local sender = caching()
    server:route("/x", { body = "x", headers = fresh_for(60) })
    for count, host in ipairs({ "a.example", "b.example", "b.example" }) do
      assert.is_false(get(sender, "/x", { Host = host }).from_cache)
      assert.same({ 0, count }, { sender.store:count(), server:count("/x") })
    end
    get(sender, "/x")
    assert.is_true(get(sender, "/x").from_cache)
    assert.is_false(get(sender, "/x", { host = "a.example" }).from_cache)
  end)

  it("refuses a max_size that is none", function()
    for _, value in ipairs({ 0, -1, 1.5, "1" }) do
      assert.error_matches(function() CachingSender({ max_size = value }) end,
        "CachingSender: max_size must be an integer of 1 or more, got ")
    end
  end)
end)
