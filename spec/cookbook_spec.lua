local cookbook = require "spec.support.cookbook"
local pages = require "spec.support.pages"
local process = require "spec.support.process"

local function json(text, headers)
  return { body = text, headers = table.move(headers or {}, 1, 9, 2,
    { { "Content-Type", "application/json" } }) }
end

local function values(requests, name)
  local list = {}
  for index, request in ipairs(requests) do
    list[index] = request.header(name) or "none"
  end
  return list
end

local function targets(requests)
  local list = {}
  for index, request in ipairs(requests) do
    list[index] = request.method .. " " .. request.target
  end
  return list
end

local function shell(text)
  return process.run("sh -c " .. process.quote(text))
end

local function hidden(text, ...)
  for _, secret in ipairs { ... } do
    assert.is_nil(text:find(secret, 1, true))
  end
end

local down = { status = 503 }
local session_cookie = { "Set-Cookie", "session=7; Path=/; Max-Age=3600" }
local hmac = [[
return function(key, text)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  file:write(text):flush()
  local pipe <close> = assert(io.popen(("openssl dgst -sha256 -hmac %s -r %s"):format(key, path)))
  local digits = pipe:read "a":match "^%x+"
  os.remove(path)
  return digits
end
]]
local image = "an image that is large enough to be broken\n"
local urls = {}
for number = 1, 200 do
  urls[number] = "https://example.org/page?number=" .. number
end

-- What each recipe is good for, what it needs, and how that is seen. The checks get the servers and
-- the folder that the recipe ran in.
local recipes = {
  ["Walk an API page by page"] = {
    promise = "asks for each page once, in their order",
    routes = {
      ["/items"] = json('[{"name":"one"},{"name":"two"}]',
        { { "Link", '<?page=1>; rel="first", <?page=2>; rel="next"' } }),
      ["/items?page=2"] = json('[{"name":"three"}]', { { "Link", '<?page=1>; rel="prev"' } }),
    },
    check = function(servers)
      assert.same({ "GET /items", "GET /items?page=2" }, targets(servers.main:requests()))
    end,
  },
  ["Poll, and pay for changes alone"] = {
    promise = "is told 304 of what has not changed",
    routes = { ["/status.json"] = {
      { etag = '"1"', json = { state = "good" } }, { etag = '"1"', json = { state = "good" } },
      { etag = '"2"', json = { state = "bad" } },
    } },
    check = function(servers)
      assert.same({ "none", '"1"', '"1"', '"2"' },
        values(servers.main:requests(), "If-None-Match"))
    end,
  },
  ["Read lines as they come"] = {
    promise = "puts lines together that come in pieces",
    routes = { ["/log"] = { body = '{"level":"info"}\r\n{"level":"warning"}', chunked = 7 } },
    check = function(servers)
      assert.equal(1, servers.main:count "/log")
    end,
  },
  ["Listen to server-sent events"] = {
    promise = "goes on behind the last event it got",
    routes = { ["/events"] = {
      { body = "id: 1\ndata: first\n\nid: 2\r\ndata: second\r\n\r\nid: 3\ndata: thi",
        headers = { { "Content-Length", "1000" } }, close = true },
      { body = "id: 3\ndata: third\n\n" },
    } },
    check = function(servers)
      assert.same({ "none", "2" }, values(servers.main:requests(), "Last-Event-ID"))
    end,
  },
  ["Read text in an old encoding"] = {
    promise = "makes UTF-8 of it",
    routes = { ["/old.html"] = { body = "<title>Hyv\xE4\xE4 p\xE4iv\xE4\xE4</title>",
      headers = { { "Content-Type", "text/html; charset=ISO-8859-1" } } } },
    check = function(servers)
      assert.equal(1, servers.main:count "/old.html")
    end,
  },
  ["Send a POST that is done once"] = {
    promise = "repeats it with the same key",
    routes = { ["/orders"] = { down, { status = 201 } } },
    check = function(servers)
      local keys = values(servers.main:requests(), "Idempotency-Key")
      assert.equal(2, #keys)
      assert.equal(keys[1], keys[2])
      assert.not_equal("none", keys[1])
    end,
  },
  ["Upload a large file, and see how far it is"] = {
    promise = "sends it again where that is called for, with its length",
    files = { ["backup.tar"] = ("0123456789"):rep(100000) },
    routes = { ["/backup.tar"] = { down, { status = 201 } } },
    check = function(servers, folder)
      local requests = servers.main:requests()
      assert.same({ "1000000", "1000000" }, values(requests, "Content-Length"))
      assert.is_true(requests[2].body == folder:read "backup.tar")
    end,
  },
  ["Compress what goes out"] = {
    promise = "sends fewer bytes, which are the file",
    files = { ["report.json"] = '{"rows":[' .. ("1,"):rep(10000) .. "1]}" },
    routes = { ["/reports"] = { status = 200 } },
    check = function(servers, folder)
      local request = servers.main:requests()[1]
      assert.equal("gzip", request.header "Content-Encoding")
      folder:write("sent.gz", request.body)
      assert.is_true(#request.body < 1000)
      shell(("cd %s && gunzip sent.gz && cmp sent report.json"):format(folder.path))
    end,
  },
  ["Download a large file, and check it"] = {
    promise = "goes on where it broke off",
    routes = {
      ["/image.iso"] = {
        { body = image:sub(1, 10), etag = '"1"', headers = { { "Content-Length", "43" } },
          close = true },
        { status = 206, body = image:sub(11), etag = '"1"',
          headers = { { "Content-Range", "bytes 10-42/43" } } },
      },
      ["/SHA256SUMS"] = { body = shell(("printf %%s '%s' | sha256sum"):format(image))
        :match "^%x+" .. "  image.iso\n" },
    },
    check = function(servers, folder)
      assert.equal(image, folder:read "image.iso")
      assert.equal("bytes=10-", servers.main:requests()[2].header "Range")
    end,
  },
  ["Fetch many files at once"] = {
    promise = "leaves no file of one that fails",
    routes = { ["/a.json"] = json '{"n":1}', ["/b.json"] = json '{"n":2}' },
    check = function(_, folder)
      assert.equal("a.json b.json example.lua", shell(("cd %s && echo *"):format(folder.path)))
    end,
  },
  ["Fetch many files at the shell"] = {
    promise = "writes each into its file",
    routes = { ["/a.json"] = json '{"n":1}', ["/b.json"] = json '{"n":2}' },
    check = function(servers)
      assert.equal(2, #servers.main:requests())
    end,
  },
  ["Ask thousands of URLs"] = {
    promise = "opens no more than five connections",
    files = { ["urls.txt"] = table.concat(urls, "\n") },
    routes = { ["/page"] = { body = "x" } },
    check = function(servers)
      assert.equal(200, #servers.main:requests())
      assert.is_true(servers.main:connections() <= 5)
    end,
  },
  ["Cancel what has become unneeded"] = {
    promise = "takes the others off the wire, or the last had no connection",
    routes = { ["/search"] = { hang = true }, ["/search?q=viesti"] = json '{"found":"a relay"}' },
    check = function(servers)
      assert.equal(1, servers.main:count "/search?q=viesti")
    end,
  },
  ["Give a whole operation so long"] = {
    promise = "ends what waits too long with all that belongs to it",
    routes = { ["/user.json"] = json '{"id":7}', ["/reports/7"] = { hang = true } },
    check = function(servers)
      assert.equal(1, servers.main:count "/user.json")
    end,
  },
  ["Keep a cache, and share it"] = {
    promise = "serves another program",
    routes = { ["/rates.json"] = json('{"euro":1.5}',
      { { "Cache-Control", "private, max-age=60" } }) },
    check = function(servers)
      assert.equal(1, #servers.main:requests())
    end,
  },
  ["Go on while the origin is down"] = {
    promise = "asks as often as it may before it serves what is old",
    routes = { ["/prices.json"] = { json('{"price":12}', { { "Cache-Control", "max-age=0" },
      { "ETag", '"1"' } }), down } },
    check = function(servers)
      assert.same({ "none", '"1"', '"1"', '"1"' },
        values(servers.main:requests(), "If-None-Match"))
    end,
  },
  ["Purge by tag after a write"] = {
    promise = "forgets all that shows it",
    routes = {
      ["/articles/7"] = { body = "old", headers = { { "Cache-Tag", "article-7" } } },
      ["/front"] = { body = "old", headers = { { "Cache-Tag", "front, article-7" } } },
      ["/about"] = { body = "about" },
    },
    check = function(servers)
      assert.equal(4, #servers.main:requests())
    end,
  },
  ["Warm the cache"] = {
    promise = "has all of it there",
    routes = (function()
      local fresh = { body = "x", headers = { { "Cache-Control", "max-age=60" } } }
      return { ["/fresh/1"] = fresh, ["/fresh/2"] = fresh, ["/fresh/3"] = fresh }
    end)(),
    check = function(servers)
      assert.equal(3, #servers.main:requests())
    end,
  },
  ["Keep to a documented rate"] = {
    promise = "has what is beyond it wait",
    check = function(servers)
      assert.equal(12, #servers.main:requests())
    end,
  },
  ["Keep to a rate with many machines"] = {
    promise = "counts what all of them send",
    check = function(servers)
      assert.equal(2, servers.main:count "/items/more")    -- those that were left of ten
    end,
  },
  ["Fall over to a mirror"] = {
    promise = "leaves alone for a while what failed",
    routes = { ["/package.json"] = down },
    mirror = { ["/package.json"] = json "{}" },
    check = function(servers)
      assert.equal(1, #servers.main:requests())
      assert.equal(2, #servers.mirror:requests())
    end,
  },
  ["Ask again where an answer is slow"] = {
    promise = "takes the answer that comes first, and ends the other",
    routes = { ["/lookup.json"] = { { hang = true }, json '{"found":true}' } },
    check = function(servers)
      assert.equal(2, #servers.main:requests())
    end,
  },
  ["Wait until it is ready"] = {
    promise = "asks until there is something",
    routes = { ["/jobs/7"] = { { status = 202 }, { status = 202 }, json "{}" } },
    check = function(servers)
      assert.equal(3, #servers.main:requests())
    end,
  },
  ["Renew an OAuth 2 token"] = {
    promise = "asks for a token when there is none, and when it is not good any more",
    routes = {
      ["/oauth/token"] = { json '{"access_token":"one","expires_in":3600}',
        json '{"access_token":"two","expires_in":3600}' },
      ["/me"] = { json "{}", json "{}", { status = 401 }, json "{}" },
    },
    check = function(servers)
      local requests = servers.main:requests()
      assert.same({ "none", "Bearer one", "Bearer one", "Bearer one", "none", "Bearer two" },
        values(requests, "Authorization"))
      assert.equal("POST", requests[1].method)
      assert.is_truthy(requests[1].body:find "client_secret=secret")
    end,
  },
  ["Log in, and stay logged in"] = {
    promise = "sends the cookie, also from the file",
    routes = {
      ["/inbox"] = { { status = 401 }, { body = "mail" } },
      ["/login"] = { status = 303, headers = { { "Location", "/inbox" }, session_cookie } },
    },
    check = function(servers, folder)
      folder:shell "lua5.4 example.lua"
      assert.same({ "GET /inbox", "POST /login", "GET /inbox", "GET /inbox" },
        targets(servers.main:requests()))
      assert.same({ "none", "none", "session=7", "session=7" },
        values(servers.main:requests(), "Cookie"))
    end,
  },
  ["Sign requests"] = {
    promise = "signs what is sent, each time",
    files = { ["hmac.lua"] = hmac },
    routes = { ["/items/7"] = { down, { status = 200 } } },
    check = function(servers)
      local requests = servers.main:requests()
      assert.equal(2, #requests)
      for _, request in ipairs(requests) do
        local text = table.concat({ "PUT", servers.main.url .. "/items/7",
          request.header "X-Date", '{"count":2}' }, "\n")
        assert.equal(load(hmac)()("key", text), request.header "X-Signature")
      end
    end,
  },
  ["Trust a private authority, and show a certificate"] = {
    promise = "is known to the server by its certificate",
    check = function(servers)
      assert.is_truthy(table.concat(servers.hosts:log(), "\n"):find("/whoami", 1, true))
    end,
  },
  ["Speak to a Unix socket"] = {
    promise = "asks who listens there",
    check = function(servers)
      assert.is_truthy(table.concat(servers.hosts:log(), "\n"):find("/v1.43/containers", 1, true))
    end,
  },
  ["Go through a proxy"] = {
    promise = "is let through by its password",
    routes = { ["/data.json"] = json '{"title":"hello"}' },
    check = function(servers)
      local requests = servers.proxy:requests()
      assert.same({ "me", "secret" }, { requests[#requests].user, requests[#requests].password })
    end,
  },
  ["Log every attempt"] = {
    promise = "tells of both",
    routes = { ["/flaky.json"] = { down, { body = "x" } } },
    check = function(servers)
      assert.equal(2, servers.main:count "/flaky.json?api_key=abc")
    end,
  },
  ["Have a chain for each environment"] = {
    promise = "goes by what the file makes of it",
    routes = { ["/data.json"] = json "{}" },
    check = function(_, folder)
      assert.is_truthy(folder:shell("ENVIRONMENT=production lua5.4 example.lua"):find "^3\n")
    end,
  },
  ["Test without a network"] = {
    promise = "sends nothing",
    check = function(servers)
      assert.same({}, servers.main:requests())
    end,
  },
  ["Test with what a real server said"] = {
    promise = "asks it once, and keeps no secret",
    routes = { ["/data.json"] = json '{"title":"hello"}' },
    check = function(servers, folder)
      assert.equal(1, #servers.main:requests())
      hidden(folder:read "weather.tape", "Bearer secret")
    end,
  },
  ["Judge retries in C"] = {
    promise = "tries again what its policy says",
    routes = { ["/orders/7"] = { { status = 404 }, { status = 404 }, { body = "order" } } },
    check = function(servers)
      assert.equal(3, #servers.main:requests())
    end,
  },
}

describe("The cookbook", function()
  local servers
  local titles = cookbook.titles()

  setup(function()
    servers = cookbook.start()
  end)

  teardown(function()
    servers:stop()
  end)

  for _, title in ipairs(titles) do
    local recipe = recipes[title] or { promise = "nobody checks" }
    it(("has '%s', which %s"):format(title, recipe.promise), function()
      local folder <close> = servers:prepare(recipe)
      cookbook.cook(title, folder)
      recipe.check(servers, folder)
    end)
  end

  it("has at its beginning a list of all that is in it", function()
    local anchors = {}
    for index, title in ipairs(titles) do
      anchors[index] = pages.anchor(title)
    end
    assert.same(anchors, cookbook.listed())
  end)
end)
