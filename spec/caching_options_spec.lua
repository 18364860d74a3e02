-- What a user may have his CachingSender do otherwise.

local viesti = require("viesti")
local cached_page = require("spec.support.cached_page")
local stores = require("spec.support.stores")

local FRESH = { { "Cache-Control", "max-age=60" } }

describe("CachingSender", function()
  local page = cached_page()
  local server, caching, get = page.server, page.caching, page.get

  local function assert_refused(options, message)
    assert.error_matches(function() caching(options) end, message, 1, true)
  end

  -- With a place in this file.
  local function assert_raised(message, fn, ...)
    local ok, reason = pcall(fn, ...)
    assert.is_false(ok)
    assert.equal(message, reason:match "^%S*caching_options_spec%.lua:%d+: (.*)$")
  end

  describe("key", function()
    it("decides what is the same", function()
      local sender = caching({ key = function(request)
        return (request.url:gsub("%d+", "N"))
      end })
      get(sender, "?1")
      local response = get(sender, "?2")
      assert.is_true(response.cache.hit)
      assert.equal(server.url .. "/x?2", response.url)
      assert.equal((server.url .. "/x?N"):gsub("%d+", "N"), response.cache.key)
      assert.equal((server.url .. "/x?N"):gsub("%d+", "N"), sender:inspect({
        url = server.url .. "/x?3" }).key)
    end)

    it("leaves a request to its URL by nil, and says what it must return", function()
      local result
      local sender = caching({ key = function() return result end })
      get(sender, "?1")
      assert.is_false(get(sender, "?2").cache.hit)
      result = 1
      assert_raised("CachingSender: key must return a string or nil, it returned 1", get, sender)
    end)
  end)

  describe("ignore_params", function()
    it("makes params make no difference, a star standing for any characters", function()
      local sender = caching({ ignore_params = { "utm_*", "t" } })
      get(sender, "?a=1&utm_source=x&t=5")
      for query, hit in pairs({ ["?a=1"] = true, ["?t=6&a=1&utm_=&utm_b"] = true,
        ["?a=1&tt=1"] = false, ["?a=2"] = false }) do
        assert.equal(hit, get(sender, query).cache.hit)
      end
    end)

    it("knows names however they are written", function()
      local sender = caching({ ignore_params = { "f[a b]", "ö", "a.*" } })
      get(sender)
      for _, name in ipairs({ "f[a b]", "ö", "a.x" }) do
        assert.is_true(get(sender, nil, { params = { [name] = 1 } }).cache.hit, name)
      end
      assert.is_true(get(sender, "?f%5ba+b%5D=1&%61.").cache.hit)
      assert.is_false(get(sender, "?ab=1").cache.hit)
    end)

    it("holds for what a POST names in Location, too", function()
      local sender = caching({ ignore_params = { "t" } })
      get(sender, "?a=1")
      server:route("/post", { status = 201, headers = { { "Location", "/x?t=9&a=1" } } })
      assert(sender:send({ url = server.url .. "/post", method = "POST" }))
      assert.is_false(get(sender, "?a=1").cache.hit)
    end)

    it("treats a URL that has nothing else as one without a query", function()
      local sender = caching({ ignore_params = { "t" } })
      get(sender, "?t=1")
      assert.is_true(get(sender).cache.hit)
    end)
  end)

  describe("partition", function()
    it("keeps apart what is for different users, also when it is invalidated", function()
      local sender = caching({ partition = function(request)
        return request.headers["X-User"]
      end })
      local function as(user, method)
        return get(sender, nil, { headers = { ["X-User"] = user }, method = method })
      end
      assert.equal("a\n" .. server.url .. "/x", as("a").cache.key)
      assert.is_false(as("b").cache.hit)
      as("a", "POST")
      assert.same({ false, true }, { as("a").cache.hit, as("b").cache.hit })
    end)

    it("may have any bytes, and is never taken for the beginning of another's key", function()
      local store = viesti.Store()
      local function part_of(partition, key)
        return caching({ store = store, partition = partition, key = key })
      end
      local function behind_b(request) return "b\n" .. request.url end
      for _, partition in ipairs({ "a\nb", "a%0Ab" }) do
        assert.is_false(get(part_of(partition)).cache.hit)
        assert.is_true(get(part_of(partition)).cache.hit)
      end
      assert.is_false(get(part_of("a", behind_b)).cache.hit)
      assert.equal(2, store:purge({ prefix = server.url }))
    end)

    it("may be one for all requests of a chain over a shared store", function()
      local store = viesti.Store()
      local first = caching({ store = store, partition = "1" })
      local second = caching({ store = store, partition = "2" })
      get(first)
      assert.same({ true, false }, { get(first).cache.hit, get(second).cache.hit })
    end)
  end)

  describe("methods", function()
    it("keeps answers to further methods, each by its body", function()
      local sender = caching({ methods = { "QUERY", "POST" } })
      local function ask(method, body)
        return get(sender, nil, { method = method, content = body }).cache.hit
      end
      for _, method in ipairs({ "QUERY", "POST" }) do
        assert.same({ false, true }, { ask(method, "1"), ask(method, "1") })
        assert.is_false(ask(method, "2"))
      end
      assert.is_false(get(sender).cache.hit)
    end)

    it("sends on what has a body that no key can hold", function()
      local sender = caching({ methods = { "POST" } })
      for _ = 1, 2 do
        local response = get(sender, nil, { method = "POST", content = coroutine.wrap(function()
          coroutine.yield("x")
        end) })
        assert.equal("bypass", response.cache.forwarded)
      end
    end)

    it("must be names other than GET and HEAD", function()
      assert_refused({ methods = { "get" } },
        'CachingSender: methods must be names in capitals other than GET and HEAD, it has "get"')
      assert_refused({ methods = { "HEAD" } }, "it has \"HEAD\"")
    end)
  end)

  it("takes names of fields alone for those that are aimed at caches", function()
    assert_refused({ targeted = { "CDN-Cache-Control", "CDN Cache" } },
      'CachingSender: targeted must be names of header fields, it has "CDN Cache"')
    assert_refused({ ttl = -1 }, "ttl must be a number of 0 or more or a function, got -1")
  end)

  it("never takes a GET with a body for one without", function()
    local sender = caching({})
    get(sender)
    assert.equal("bypass", get(sender, nil, { method = "GET", content = "x" }).cache.forwarded)
  end)

  describe("ttl", function()
    it("is how long a response is fresh, whatever the server says of that", function()
      server:route("/x", { { headers = { { "Cache-Control", "no-cache, max-age=0" } } } })
      local sender = caching({ ttl = 60 })
      get(sender)
      local response = get(sender)
      assert.is_true(response.cache.hit and response.cache.ttl > 59)
    end)

    it("is asked for each response; nil leaves it to the server, 0 stores nothing", function()
      local ttl
      local sender = caching({ ttl = function(request, response)
        assert.same({ "GET", 200 }, { request.method, response.status_code })
        return ttl
      end })
      get(sender)
      assert.is_true(get(sender).cache.ttl > 59)
      sender:clear()
      ttl = 0
      get(sender)
      assert.is_false(get(sender).cache.hit)
      ttl = "1"
      assert_raised("CachingSender: ttl must return seconds of 0 or more, or nil, it returned "
        .. '"1"', get, sender)
    end)

    it("may be a request's own, which comes first, and stays with a copy of it", function()
      server:route("/x", { headers = { { "Cache-Control", "max-age=0" } } })
      for _, options in ipairs({ {}, { ttl = 5 }, { ttl = function() return 5 end } }) do
        local sender = caching(options)
        get(sender, nil, { ttl = 60 })
        local response = get(sender)
        assert.is_true(response.cache.hit and response.cache.ttl > 59)
      end
      local request = viesti.Request({ url = server.url .. "/x", ttl = 60 })
      assert.equal(60, request:with({ params = { a = 1 } }).ttl)
      assert.has_error(function() viesti.Request({ url = server.url, ttl = -1 }) end,
        "Request: ttl must be a number of 0 or more, got -1")
    end)

    it("stores nothing that must not be stored", function()
      server:route("/x", { headers = { { "Cache-Control", "no-store" } } })
      local sender = caching({ ttl = 60 })
      get(sender)
      assert.is_false(get(sender).cache.hit)
    end)
  end)

  it("store_if has a say in what is kept", function()
    local sender = caching({ store_if = function(request)
      return request.url:find("?yes", 1, true) ~= nil
    end })
    get(sender, "?yes")
    get(sender, "?no")
    assert.same({ true, false }, { get(sender, "?yes").cache.hit, get(sender, "?no").cache.hit })
  end)

  describe("set_cookie", function()
    local function second(what)
      server:route("/x", { headers = { { "Cache-Control", "max-age=60" },
        { "Set-Cookie", "a=b" } } })
      local sender = caching({ set_cookie = what })
      assert.equal("a=b", get(sender).headers["Set-Cookie"])
      local response = get(sender)
      return response.cache.hit, response.headers["Set-Cookie"]
    end

    it("says what becomes of cookies", function()
      assert.same({ true, "a=b" }, { second() })
      assert.same({ true, nil }, { second("strip") })
      assert.same({ false, "a=b" }, { second("skip") })
    end)
  end)

  describe("cache_status", function()
    it("tells in a field what response.cache tells in a table", function()
      local sender = caching({ cache_status = true })
      local response = get(sender)
      assert.same({ hit = false, forwarded = "uri-miss", forward_status = 200, stored = true,
        collapsed = false, ttl = response.cache.ttl, key = server.url .. "/x" }, response.cache)
      assert.equal("viesti; fwd=uri-miss; fwd-status=200; ttl=59; stored",
        response.headers["Cache-Status"])
      assert.equal("viesti; hit; ttl=59", get(sender).headers["Cache-Status"])
    end)

    it("stands behind what caches on the way have said", function()
      server:route("/x", { headers = { { "Cache-Control", "max-age=60" },
        { "Cache-Status", "edge; hit" } } })
      local sender = caching({ cache_status = true })
      get(sender)
      assert.same({ "edge; hit", "viesti; hit; ttl=59" },
        get(sender).headers:get_all("Cache-Status"))
    end)

    it("is no field unless asked for, and no table where there was no cache", function()
      assert.is_nil(get(caching({})).headers["Cache-Status"])
      assert.is_nil(get(page.concrete).cache)
    end)
  end)

  it("says why an answer was not kept, also where the store did not take it", function()
    local function refused(options, answer, more)
      server:route("/x", answer)
      local cache = get(caching(options), nil, more).cache
      assert.is_false(cache.stored)
      return cache.refused
    end
    local fresh = { body = "x", headers = { { "Cache-Control", "max-age=60" } } }
    assert.equal("private", refused({}, { headers = { { "Cache-Control", "private" } } }))
    assert.equal("no-lifetime", refused({}, { body = "x" }))
    assert.equal("no-lifetime", refused({ store_errors = true }, { status = 404 }))
    assert.equal("status", refused({}, { status = 404, headers = FRESH }))
    assert.equal("store-if", refused({ store_if = function() return false end }, fresh))
    assert.equal("store", refused({ max_entry_bytes = 10 }, fresh))
    local function nothing() end
    for _, put in ipairs({ function() return false end, function() error("full", 0) end,
      function() return nil, "full" end }) do
      local previous = viesti.StoreWarning:set("ignore")
      assert.equal("store", refused({ store = { get = nothing, remove = nothing,
        invalidate = nothing, put = put } }, fresh))
      viesti.StoreWarning:set(previous)
    end
    local sender = caching({ cache_status = true })
    server:route("/x", { body = "x" })
    assert.equal("viesti; fwd=uri-miss; fwd-status=200; detail=no-lifetime",
      get(sender).headers["Cache-Status"])
  end)

  it("forgets what is kept for a request, under its key and in its partition", function()
    local sender = caching({ ignore_params = { "t" }, partition = "a", methods = { "QUERY" } })
    local query = { url = server.url .. "/x", method = "QUERY", content = "1" }
    get(sender)
    assert(sender:send(query))
    sender:delete(server.url .. "/x?t=5")
    assert.same({ false, true }, { get(sender).cache.hit, assert(sender:send(query)).cache.hit })
    sender:delete(query)
    assert.same({ true, false }, { get(sender).cache.hit, assert(sender:send(query)).cache.hit })
    assert.equal("hit", sender:inspect(server.url .. "/x?t=6").action)
    for _, method in ipairs({ "delete", "inspect" }) do
      assert_raised(method .. ": the request must be a Request or a table of its options, got 5",
        function() sender[method](sender, 5) end)
    end
  end)

  it("asks no function about an answer that is not kept anyway", function()
    local asked = {}
    local function note(request) asked[#asked + 1] = request.method end
    local function tags(request, response)
      note(request)
      assert(response.body ~= "", "no idea")
    end
    local function store_if(request)
      note(request)
      return true
    end
    local sender = caching({ ttl = note, tags = tags, store_if = store_if })
    server:route("/x", { { body = "x", headers = FRESH }, { body = "", headers = FRESH } })
    get(sender)
    assert.same({ "GET", "GET", "GET" }, asked)
    get(sender, nil, { method = "POST" })
    get(sender, nil, { headers = { ["Cache-Control"] = "no-store" } })
    get(sender, nil, { method = "HEAD" })
    server:route("/x", { status = 500, body = "", headers = FRESH })
    get(sender)
    assert.equal(3, #asked)
  end)

  describe("inspect", function()
    it("says what would happen, and why, without doing it", function()
      local sender = caching({})
      local function inspect(more)
        local request = { url = server.url .. "/x" }
        for name, value in pairs(more or {}) do
          request[name] = value
        end
        return sender:inspect(request)
      end
      assert.same({ action = "fetch", forwarded = "uri-miss", key = server.url .. "/x",
        variants = 0 }, inspect())
      get(sender)
      local found = inspect()
      assert.same({ "hit", 200, 1 }, { found.action, found.status_code, found.variants })
      assert.is_true(found.age < 1 and found.ttl > 59)
      assert.equal("method", inspect({ method = "DELETE" }).forwarded)
      found = inspect({ headers = { ["Cache-Control"] = "no-cache" } })
      assert.same({ "fetch", "request" }, { found.action, found.forwarded })
      assert.equal(1, server:count("/x"))
    end)

    it("is no use of what it finds, and is not counted", function()
      local sender = caching({ max_size = 2 })
      local function action(query)
        return sender:inspect({ url = server.url .. "/x" .. query }).action
      end
      get(sender, "?a")
      get(sender, "?b")
      local before = sender.store:stats()
      assert.same({ "hit", "fetch" }, { action("?a"), action("?c") })
      assert.same(before, sender.store:stats())
      get(sender, "?c")
      assert.same({ "fetch", "hit", "hit" }, { action("?a"), action("?b"), action("?c") })
    end)

    it("sees what a store further away has, and leaves it there", function()
      local store = stores.tiered().open()
      local sender = caching({ store = store })
      get(sender)
      store.near:clear()
      local before = store.near:stats()
      assert.equal("hit", sender:inspect({ url = server.url .. "/x" }).action)
      assert.equal(0, sender:inspect({ url = server.url .. "/x", method = "DELETE" }).variants)
      assert.same(before, store.near:stats())
      assert.is_true(get(sender).from_cache)
      assert.equal(1, store.near:count())
    end)
  end)
end)
