-- What CachingSender does where a stored response may not simply be served again: it is stale, or
-- the request has a say in it.

local viesti = require("viesti")
local nginx = require("spec.support.nginx")
local fixture = require("spec.support.fixture")

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

  local function caching()
    return CachingSender(nil, concrete)
  end

  local function fresh_for(seconds)
    return { { "Cache-Control", "max-age=" .. seconds } }
  end

  local function get(sender, path, headers)
    return assert(sender:send({ url = server.url .. path, headers = headers }))
  end

  describe("with a stale response", function()
    it("asks again by its ETag and serves it on 304, with the new headers merged in", function()
      local sender = caching()
      server:route("/x", { { body = "kept", headers = { { "X-A", "1" }, { "X-B", "1" },
        { "Content-Type", "text/plain" }, { "ETag", '"v1"' } } },
        { status = 304, headers = { { "x-a", "2" }, { "ETag", '"v1"' },
          { "Cache-Control", "max-age=60" } } } })
      assert.is_false(get(sender, "/x").from_cache)
      local response = get(sender, "/x")
      assert.equal('"v1"', server:requests()[2].header("If-None-Match"))
      assert.same({ true, 200, "kept" },
        { response.from_cache, response.status_code, response.body })
      local headers = response.headers
      assert.same({ { "2" }, "1", "text/plain" },
        { headers:get_all("X-A"), headers["X-B"], headers["Content-Type"] })
      assert.is_true(get(sender, "/x").from_cache)
      assert.equal(2, server:count("/x"))
    end)

    it("serves and stores the new one where the ETag has changed", function()
      local sender = caching()
      server:route("/x", { { body = "old", etag = '"v1"' }, { body = "new", etag = '"v2"' } })
      assert.equal("old", get(sender, "/x").body)
      local response = get(sender, "/x")
      assert.same({ false, "new" }, { response.from_cache, response.body })
      response = get(sender, "/x")
      assert.same({ true, "new" }, { response.from_cache, response.body })
      assert.equal('"v2"', server:requests()[3].header("If-None-Match"))
    end)

    it("asks by Last-Modified where there is no ETag", function()
      local sender = caching()
      local date = "Tue, 15 Nov 1994 08:12:31 GMT"
      server:route("/x", { { body = "old", headers = { { "Last-Modified", date } } },
        { status = 304 } })
      get(sender, "/x")
      assert.equal("old", get(sender, "/x").body)
      assert.equal(date, server:requests()[2].header("If-Modified-Since"))
    end)

    it("fetches anew where it has neither", function()
      local sender = caching()
      server:route("/x", { { body = "1", headers = fresh_for(1) }, { body = "2" } })
      assert.equal("1", get(sender, "/x").body)
      assert.equal("1", get(sender, "/x").body)
      viesti.sleep(1.01)
      assert.equal("2", get(sender, "/x").body)
      assert.is_nil(server:requests()[2].header("If-None-Match"))
    end)

    it("revalidates what a real server changed behind its back", function()
      local web <close> = nginx.start({ files = { ["a.txt"] = "one" } })
      local sender <close> = CachingSender(nil, viesti.SyncSender())
      local function body()
        return assert(sender:send({ url = web.url .. "/cache/none/a.txt" })).body
      end
      assert.same({ "one", "one" }, { body(), body() })
      web:write("a.txt", "two")
      assert.same({ "two", "two" }, { body(), body() })
      local statuses = {}
      for index, line in ipairs(web:log()) do
        statuses[index] = line:match(" (%d%d%d) ")
      end
      assert.same({ "200", "304", "200", "304" }, statuses)
    end)

    it("returns the error of an origin that is gone, and asks again next time", function()
      local sender = caching()
      server:route("/x", { { body = "x", etag = '"v"' }, { raw = "no HTTP\r\n\r\n", close = true },
        { status = 304 } })
      get(sender, "/x")
      local response, err = sender:send({ url = server.url .. "/x" })
      assert.is_nil(response)
      assert.equal("protocol", err.kind)
      assert.is_true(get(sender, "/x").from_cache)
    end)

    it("fetches anew where a 304 speaks of another ETag", function()
      local sender = caching()
      server:route("/x", { { body = "old", etag = '"v1"' },
        { status = 304, headers = { { "ETag", '"v9"' } } }, { body = "new" } })
      get(sender, "/x")
      assert.equal("new", get(sender, "/x").body)
      assert.is_nil(server:requests()[3].header("If-None-Match"))
    end)
  end)

  describe("where the answer to a HEAD", function()
    local function after_head(answer)
      local sender = caching()
      server:reset()
      server:route("/x", { { body = "kept", headers = { { "Cache-Control", "max-age=60" },
        { "Age", "100" }, { "ETag", '"v1"' }, { "X-A", "1" } } }, answer, { body = "new" } })
      get(sender, "/x")
      assert(sender:send({ method = "HEAD", url = server.url .. "/x" }))
      return get(sender, "/x")
    end

    it("confirms what is stored, serves that, with the new headers, while they allow it", function()
      local response = after_head({ body = "kept", headers = { { "Cache-Control", "max-age=60" },
        { "ETag", '"v1"' }, { "X-A", "2" } } })
      assert.same({ true, "kept", "2" },
        { response.from_cache, response.body, response.headers["X-A"] })
    end)

    it("has another ETag or length, asks again", function()
      local fresh = { "Cache-Control", "max-age=60" }
      for _, answer in ipairs({ { body = "kept", headers = { fresh, { "ETag", '"v2"' } } },
        { body = "longer", headers = { fresh, { "ETag", '"v1"' } } } }) do
        local response = after_head(answer)
        assert.same({ false, "new" }, { response.from_cache, response.body })
      end
    end)
  end)

  it("asks each time about what the server marks no-cache", function()
    local sender = caching()
    server:route("/x", { body = "x", etag = '"v"',
      headers = { { "Cache-Control", "max-age=60, no-cache" } } })
    get(sender, "/x")
    assert.is_true(get(sender, "/x").from_cache)
    assert.equal('"v"', server:requests()[2].header("If-None-Match"))
  end)

  describe("heeds the request's", function()
    local function after_storing(headers)
      local sender = caching()
      server:route("/x", { body = "x", headers = fresh_for(60), etag = '"v"' })
      get(sender, "/x")
      return get(sender, "/x", headers)
    end

    it("no-cache, or Pragma: asks the server again", function()
      assert.is_true(after_storing({ ["Cache-Control"] = "no-cache" }).from_cache)
      assert.equal(2, server:count("/x"))
      assert.is_true(after_storing({ Pragma = "no-cache" }).from_cache)
      assert.equal(4, server:count("/x"))
    end)

    -- Whether a response of that age, fresh for that long, is served without asking.
    local function is_hit(control, age, wish)
      server:reset()
      server:route("/x", { headers = { { "Cache-Control", control }, { "Age", age } } })
      local sender = caching()
      get(sender, "/x")
      get(sender, "/x", { ["Cache-Control"] = wish })
      return server:count("/x") == 1
    end

    it("max-age and min-fresh: serves only what is young or fresh enough", function()
      assert.is_true(is_hit("max-age=60", "10", "max-age=20"))
      assert.is_false(is_hit("max-age=60", "10", "max-age=5"))
      assert.is_true(is_hit("max-age=60", "10", "min-fresh=40"))
      assert.is_false(is_hit("max-age=60", "10", "min-fresh=55"))
    end)

    it("max-stale: serves what is stale, unless the server forbids it", function()
      assert.is_false(is_hit("max-age=60", "100", "max-age=1000"))
      assert.is_true(is_hit("max-age=60", "100", "max-stale"))
      assert.is_true(is_hit("max-age=60", "100", "max-stale=50"))
      assert.is_false(is_hit("max-age=60", "100", "max-stale=30"))
      assert.is_false(is_hit("max-age=60, must-revalidate", "100", "max-stale"))
    end)

    it("no-store: goes past the cache", function()
      assert.is_false(after_storing({ ["Cache-Control"] = "no-store" }).from_cache)
      assert.is_nil(server:requests()[2].header("If-None-Match"))
    end)

    it("only-if-cached: a hit, or 504 without asking", function()
      local wish = { ["Cache-Control"] = "only-if-cached" }
      assert.is_true(after_storing(wish).from_cache)
      assert.equal(1, server:count("/x"))
      assert.equal(504, get(caching(), "/x", wish).status_code)
      assert.equal(1, server:count("/x"))
    end)

    it("If-Match and If-Unmodified-Since, which are the server's to judge", function()
      for _, name in ipairs({ "If-Match", "If-Unmodified-Since" }) do
        server:reset()
        assert.equal("bypass", after_storing({ [name] = '"v"' }).cache.forwarded)
        assert.equal(2, server:count("/x"))
      end
    end)
  end)
end)
