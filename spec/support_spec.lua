local cjson = require("cjson")
local http = require("socket.http")
local ltn12 = require("ltn12")
local socket = require("socket")
local fixture = require("spec.support.fixture")
local nginx = require("spec.support.nginx")
local origin = require("spec.support.origin")
local process = require("spec.support.process")

local function get(url, headers, method)
  local chunks = {}
  local _, status, answered = http.request({
    url = url,
    method = method or "GET",
    headers = headers,
    redirect = false,
    sink = ltn12.sink.table(chunks),
  })
  return status, answered, table.concat(chunks)
end

local function connect(port)
  local client = assert(socket.connect("127.0.0.1", port))
  client:settimeout(5)
  return client
end

-- What comes back for these bytes until the other side ends the connection, and whether by RST
-- (luasocket says "closed" either way, but a reset socket has no peer any more).
local function exchange(port, bytes)
  local client = connect(port)
  client:send(bytes)
  local data, _, partial = client:receive("*a")
  local is_reset = client:getpeername() == nil
  client:close()
  return data or partial, is_reset
end

-- One response read from a connection that stays open: status, headers in lower case, body.
local function read_response(client)
  local status = tonumber(assert(client:receive("*l")):match("^HTTP/1%.1 (%d+)"))
  local headers, line = {}, client:receive("*l")
  while line ~= "" do
    local name, value = line:match("^(.-): (.*)$")
    headers[name:lower()] = value
    line = client:receive("*l")
  end
  local length = tonumber(headers["content-length"] or 0)
  return status, headers, length > 0 and client:receive(length) or ""
end

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

local function eventually(check)
  local deadline = socket.gettime() + 5
  while not check() do
    assert(socket.gettime() < deadline, "waited in vain")
    socket.sleep(0.005)
  end
end

local every_byte = {}
for code = 0, 255 do
  every_byte[#every_byte + 1] = string.char(code)
end
every_byte = table.concat(every_byte)

describe("spec.support.nginx", function()
  local server

  setup(function()
    server = nginx.start({
      files = { ["a.json"] = '{"a":1}', ["deep/b.txt"] = "b" },
      http = "map $arg_x $mapped { default no; yes mapped; }",
      locations = [[location = /own { add_header X-Own $mapped; return 200 "own"; }]],
    })
  end)

  teardown(function()
    server:stop()
  end)

  it("serves files under each caching policy", function()
    local status, headers, body = get(server.url .. "/static/a.json")
    assert.same({ 200, '{"a":1}', "application/json" }, { status, body, headers["content-type"] })
    assert.is_truthy(headers.etag and headers["last-modified"])
    assert.equal(304, (get(server.url .. "/static/a.json", { ["If-None-Match"] = headers.etag })))
    assert.equal("b", select(3, get(server.url .. "/static/deep/b.txt")))
    local function policy(path)
      return select(2, get(server.url .. path))["cache-control"]
    end
    assert.equal("max-age=60", policy("/cache/max-age/a.json"))
    assert.equal("max-age=1", policy("/cache/short/a.json"))
    assert.is_nil(policy("/cache/none/a.json"))
  end)

  it("gives each written content a tag of its own", function()
    local tags = {}
    for _, content in ipairs({ "one", "two", "six" }) do
      server:write("changing", content)
      local _, headers, body = get(server.url .. "/static/changing")
      assert.equal(content, body)
      assert.is_nil(tags[headers.etag])
      tags[headers.etag] = true
    end
  end)

  it("limits, delays, compresses and answers by code", function()
    local _, headers
    assert.equal(200, (get(server.url .. "/limited?1")))
    _, headers = get(server.url .. "/limited?1")
    assert.equal("1", headers["retry-after"])
    assert.equal(429, (get(server.url .. "/limited?1")))
    assert.equal(200, (get(server.url .. "/limited?2")))
    assert.equal(200, (get(server.url .. "/flaky")))
    assert.equal(503, (get(server.url .. "/flaky")))
    local started = socket.gettime()
    assert.equal(200, (get(server.url .. "/delay/20ms")))
    assert.is_true(socket.gettime() - started >= 0.019)
    _, headers = get(server.url .. "/gzip/text.txt", { ["Accept-Encoding"] = "gzip" })
    assert.equal("gzip", headers["content-encoding"])
    for _, code in ipairs({ 200, 204, 302, 404, 429, 500, 503 }) do
      assert.equal(code, (get(server.url .. "/status/" .. code)))
    end
  end)

  it("takes further directives", function()
    assert.equal("mapped", select(2, get(server.url .. "/own?x=yes"))["x-own"])
  end)

  it("counts and logs exactly what clients sent", function()
    local requests, connections = server:requests(), server:connections()
    local lines = #server:log()
    local client = connect(server.port)
    for number = 1, 3 do
      client:send(("GET /static/a.json?%d HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"t\"\r\n\r\n")
        :format(number))
      assert.equal(200, (read_response(client)))
      assert.equal(requests + number, server:requests())
      assert.equal(lines + number, #server:log())
    end
    assert.equal(connections + 1, server:connections())
    assert.equal(1, server:open_connections())
    assert.is_truthy(server:log()[lines + 3]:find('^GET /static/a%.json%?3 200 %d+ 3 "t"$'))
    client:close()
    eventually(function()
      return server:open_connections() == 0
    end)
  end)

  it("says what is wrong with a configuration", function()
    local ok, message = pcall(nginx.start, { locations = "no_such_directive;" })
    assert.is_false(ok)
    assert.is_truthy(message:find("no_such_directive", 1, true))
  end)

  it("stops at once, and leaves nothing behind", function()
    local other = nginx.start()
    local started = socket.gettime()
    other:stop()
    other:stop()
    assert.is_true(socket.gettime() - started < 1)
    assert.is_nil(socket.connect("127.0.0.1", other.port))
    assert.is_false(exists(other.directory))
  end)
end)

describe("spec.support.origin", function()
  local server = fixture.origin()

  local function ask(path)
    return exchange(server.port, ("GET %s HTTP/1.1\r\nHost: x\r\n\r\n"):format(path))
  end

  it("echoes what was on the wire", function()
    local body = every_byte
    local text = exchange(server.port, "PATCH /echo?q=1 HTTP/1.1\r\nHost: x\r\nX-One: a\r\n"
      .. "x-ONE:  b \r\nConnection: close\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body)
    local echoed = cjson.decode(text:match("\r\n\r\n(.*)$"))
    assert.same({ "PATCH", "/echo?q=1", body }, { echoed.method, echoed.target, echoed.body })
    assert.same({ "a", "b" }, echoed.headers["x-one"])
    local request = server:requests()[1]
    assert.same({ "x-ONE", "b" }, request.headers[3])
    assert.equal("a", request.header("X-ONE"))
    assert.same({ body, "HTTP/1.1" }, { request.body, request.version })
    assert.same({ 1, 0 }, { server:count("/echo"), server:count("/other") })
  end)

  it("has built-in routes", function()
    assert.equal(418, (get(server.url .. "/status/418")))
    assert.equal(404, (get(server.url .. "/unknown")))
    assert.is_true(cjson.decode(select(3, get(server.url .. "/json"))).nested.ok)
    local status, headers, body = get(server.url .. "/json", nil, "HEAD")
    assert.same({ 200, "" }, { status, body })
    assert.is_true(tonumber(headers["content-length"]) > 0)
  end)

  it("uses a script's answers one after the other, the last again", function()
    server:route("/s", { { status = 503 }, { status = 429, reason = "Slow" }, { json = { 1 } } })
    server:route("/s?only=this", { status = 201 })
    assert.equal(503, (get(server.url .. "/s")))
    assert.equal(429, (get(server.url .. "/s?x=1")))
    assert.same({ 200, "[1]" }, { (get(server.url .. "/s")), (select(3, get(server.url .. "/s"))) })
    assert.equal(201, (get(server.url .. "/s?only=this")))
    assert.equal(5, server:count("/s"))
    assert.has_error(function()
      server:route("/s", { stauts = 1 })
    end, "an origin's answer has no field 'stauts'")
  end)

  it("keeps connections, reads chunked bodies and pipelined requests", function()
    local client = connect(server.port)
    client:send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\nGET /status/200 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.equal("abcde", cjson.decode((select(3, read_response(client)))).body)
    assert.same({ "200\n" }, { select(3, read_response(client)) })
    client:close()
    assert.equal(1, server:connections())
    assert.equal(server:requests()[1].connection, server:requests()[2].connection)
  end)

  it("honours Expect, or answers early", function()
    server:route("/early", { status = 417, early = true })
    local head = "POST %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    local client = connect(server.port)
    client:send(head:format("/echo"))
    assert.equal("HTTP/1.1 100 Continue", client:receive("*l"))
    client:receive("*l")
    client:send("hi")
    assert.equal("hi", cjson.decode((select(3, read_response(client)))).body)
    client:send(head:format("/early"))
    assert.equal(417, (read_response(client)))
    client:close()
  end)

  it("answers 304 to the tag it gave", function()
    server:route("/tag", {
      etag = '"v1"',
      headers = { { "Cache-Control", "max-age=5" }, { "Content-Type", "text/plain" } },
      body = "tagged",
    })
    local status, headers, body = get(server.url .. "/tag", { ["If-None-Match"] = '"v0"' })
    assert.same({ 200, '"v1"', "tagged" }, { status, headers.etag, body })
    status, headers, body = get(server.url .. "/tag", { ["If-None-Match"] = '"v0", W/"v1"' })
    assert.same({ 304, '"v1"', "max-age=5", "" },
      { status, headers.etag, headers["cache-control"], body })
    assert.is_nil(headers["content-type"] or headers["content-length"])
  end)

  it("frames as told", function()
    server:route("/c", { chunked = 2, body = "abc", close = true })
    server:route("/l", { headers = { { "Content-Length", "9" } }, body = "abc", close = "silent" })
    assert.equal("Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
      ask("/c"):match("Transfer.*"))
    assert.equal("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", (ask("/l")))
  end)

  it("puts raw bytes on the wire, whole or cut", function()
    server:route("/raw", { raw = every_byte, close = true })
    server:route("/cut", { body = "abc", after = 12 })
    server:route("/none", { close = true })
    server:route("/kept", { { raw = "HTTP/1.1 204 A\r\n\r\n" }, { raw = "end", close = true } })
    assert.equal(every_byte, (ask("/raw")))
    assert.same({ "HTTP/1.1 200", "" }, { (ask("/cut")), (ask("/none")) })
    assert.equal("HTTP/1.1 204 A\r\n\r\nend", (exchange(server.port,
      ("GET /kept HTTP/1.1\r\nHost: x\r\n\r\n"):rep(2))))
  end)

  it("resets, at once or after some bytes", function()
    server:route("/reset", { reset = true })
    server:route("/later", { raw = "HTTP/1.1 200 OK\r\n", after = 8, reset = true })
    server:route("/none", { close = true })
    assert.same({ "", true }, { ask("/reset") })
    assert.same({ "HTTP/1.1", true }, { ask("/later") })
    assert.same({ "", false }, { ask("/none") })
  end)

  it("hangs, delays and drips", function()
    server:route("/hang", { raw = "HTTP/1.1 200 OK\r\n", hang = true })
    server:route("/delay", { status = 200, delay = 0.1 })
    server:route("/drip", { body = "12345678", drip = { bytes = 20, interval = 0.02 } })
    server:route("/raw-drip", { drip = { bytes = "abcdef", interval = 0.02 }, close = true })
    local client = connect(server.port)
    client:settimeout(0.1)
    client:send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.same({ "timeout", "HTTP/1.1 200 OK\r\n" }, { select(2, client:receive("*a")) })
    assert.equal(1, server:open_connections())
    client:close()
    eventually(function()
      return server:open_connections() == 0
    end)
    local function timed(ask_it)
      local started = socket.gettime()
      return ask_it(), socket.gettime() - started
    end
    local answer, elapsed = timed(function()
      return (ask("/raw-drip"))
    end)
    assert.equal("abcdef", answer)
    assert.is_true(elapsed >= 0.09)
    for _, path in ipairs({ "/delay", "/drip" }) do
      answer, elapsed = timed(function()
        return (get(server.url .. path))
      end)
      assert.equal(200, answer)
      assert.is_true(elapsed >= 0.035)
    end
  end)

  it("talks for ever until the client goes away", function()
    server:route("/flood", { raw = "HTTP/1.1 200 OK\r\n", forever = "X-More: y\r\n" })
    local client = connect(server.port)
    client:send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
    assert.equal(1000000, #client:receive(1000000))
    client:close()
    eventually(function()
      return server:open_connections() == 0
    end)
  end)

  it("records what is no request at all", function()
    assert.is_truthy(exchange(server.port, "nonsense\r\n\r\n"):find("^HTTP/1.1 400 "))
    local request = server:requests()[1]
    assert.same({ true, "nonsense\r\n\r\n" }, { request.malformed, request.head })
  end)

  it("serves many at once", function()
    server:route("/slow", { body = "x", delay = 0.1 })
    local clients = {}
    for index = 1, 400 do
      clients[index] = connect(server.port)
      clients[index]:send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    end
    local started = socket.gettime()
    for _, client in ipairs(clients) do
      assert.equal(200, (read_response(client)))
    end
    assert.is_true(socket.gettime() - started < 2)
    assert.same({ 400, 400 }, { server:count("/slow"), server:connections() })
    for _, client in ipairs(clients) do
      client:close()
    end
  end)

  it("sees a client close that a later child might have kept open", function()
    local client = connect(server.port)
    client:send("GET /status/200 HTTP/1.1\r\nHost: x\r\n\r\n")
    read_response(client)
    local other = origin.start()
    client:close()
    eventually(function()
      return server:open_connections() == 0
    end)
    other:stop()
  end)
end)

describe("a test process that dies", function()
  it("takes its servers along", function()
    local script = [[
      local nginx = require("spec.support.nginx").start()
      local origin = require("spec.support.origin").start()
      print(nginx.port, nginx.directory, origin.port, origin.process.directory)
      io.stdout:flush()
      local pid = io.open("/proc/self/stat"):read("n")
      os.execute("kill -KILL " .. math.tointeger(pid))
    ]]
    local pipe = io.popen(("LUA_PATH_5_4=%s exec %s -e %s"):format(
      process.quote(package.path), process.interpreter(), process.quote(script)))
    local text = pipe:read("a")
    pipe:close()
    local nginx_port, nginx_directory, origin_port, origin_directory =
      text:match("(%d+)\t(%S+)\t(%d+)\t(%S+)")
    eventually(function()
      return not (exists(nginx_directory) or exists(origin_directory))
    end)
    assert.is_nil(socket.connect("127.0.0.1", nginx_port))
    assert.is_nil(socket.connect("127.0.0.1", origin_port))
  end)
end)
