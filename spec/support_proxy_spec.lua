local mime = require("mime")
local socket = require("socket")
local origin = require("spec.support.origin")
local proxy = require("spec.support.proxy")

local seconds = 5

local function connect(port)
  local client = assert(socket.connect("127.0.0.1", port))
  client:settimeout(seconds)
  return client
end

-- What comes for these bytes until the end, and whether that was RST.
local function exchange(client, bytes)
  client:send(bytes)
  local data, problem, partial = client:receive("*a")
  assert(problem ~= "timeout", "the connection goes on")
  local is_reset = client:getpeername() == nil
  client:close()
  return data or partial, is_reset
end

local function closing_get(path)
  return ("GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"):format(path)
end

local function eventually(check)
  local deadline = socket.gettime() + seconds
  while not check() do
    assert(socket.gettime() < deadline, "waited in vain")
    socket.sleep(0.005)
  end
end

describe("spec.support.proxy", function()
  local server, relay

  setup(function()
    server = origin.start()
    relay = proxy.start({ to = server.port })
  end)

  teardown(function()
    relay:stop()
    server:stop()
  end)

  before_each(function()
    server:reset()
    relay:reset()
    server:route("/x", { raw = "0123456789", close = true })
  end)

  local function ask(path)
    return exchange(connect(relay.port), closing_get(path or "/x"))
  end

  describe("as a relay", function()
    it("passes on what both sides say, whatever its size", function()
      relay:set({ to = server.port })
      server:route("/large", { body = ("x"):rep(3000000), close = "silent" })
      assert.matches("\r\n\r\n" .. ("x"):rep(100), (ask("/large")))
      local client = connect(relay.port)
      local text = exchange(client, "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        .. "Content-Length: 3000000\r\n\r\n" .. ("y"):rep(3000000))
      assert.is_true(#text > 3000000)
      assert.equal(("y"):rep(3000000), server:requests()[2].body)
      assert.equal(2, relay:connections())
    end)

    it("passes on that a side has ended, and keeps nothing open", function()
      relay:set({ to = server.port })
      assert.equal("0123456789", (ask()))
      local client = connect(relay.port)
      client:send("GET /status/200 HTTP/1.1\r\nHost: h\r\n\r\n")
      assert.equal("HTTP/1.1 200 OK", client:receive("*l"))
      assert.equal(1, relay:open_connections())
      client:close()
      eventually(function()
        return relay:open_connections() == 0 and server:open_connections() == 0
      end)
    end)

    it("cuts what comes from the upstream, with FIN or RST", function()
      for _, after in ipairs({ 0, 1, 9, 10 }) do
        for _, reset in ipairs({ false, true }) do
          relay:set({ to = server.port, cut = { after = after, reset = reset } })
          server:route("/x", { raw = "0123456789", hang = true })
          assert.same({ ("0123456789"):sub(1, after), reset }, { ask() })
        end
      end
      eventually(function()
        return relay:open_connections() == 0 and server:open_connections() == 0
      end)
    end)

    it("cuts what comes from the client, of which the upstream has the beginning", function()
      for _, reset in ipairs({ false, true }) do
        relay:set({ to = server.port, cut = { from = "client", after = 0, reset = reset } })
        assert.same({ "", reset }, { ask() })
        relay:set({ to = server.port, cut = { from = "client", after = 20, reset = reset } })
        assert.same({ "", reset }, { ask() })
        assert.equal(0, server:count("/x"))
        relay:set({ to = server.port, cut = { from = "client", after = #closing_get("/x"),
          reset = reset } })
        assert.same({ "", reset }, { ask() })
        eventually(function()
          return server:count("/x") == 1
        end)
        server:reset()
      end
    end)

    it("stalls where it is told to, and goes on reading", function()
      server:route("/large", { body = ("x"):rep(3000000) })
      relay:set({ to = server.port, cut = { after = 3, stall = true } })
      local client = connect(relay.port)
      client:send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
      assert.equal("HTT", client:receive(3))
      client:settimeout(0.1)
      assert.equal("timeout", select(2, client:receive(1)))
      assert.equal(1, relay:open_connections())
      client:close()
      eventually(function()
        return relay:open_connections() == 0 and server:open_connections() == 0
      end)
    end)

    it("delays the connection, delays every piece, and throttles", function()
      local body = ("x"):rep(1000)
      server:route("/x", { raw = body, close = true })
      local function timed(options)
        options.to = server.port
        relay:set(options)
        local started = socket.gettime()
        assert.equal(body, (ask()))
        return socket.gettime() - started
      end
      assert.is_true(timed({ connect_delay = 0.1 }) >= 0.1)
      assert.is_true(timed({ delay = 0.05 }) >= 0.1)
      assert.is_true(timed({ rate = 10000 }) >= 0.08)
    end)

    it("notices a client that goes away while it waits to connect", function()
      relay:set({ to = server.port, connect_delay = 3600 })
      local client = connect(relay.port)
      eventually(function()
        return relay:open_connections() == 1
      end)
      client:close()
      eventually(function()
        return relay:open_connections() == 0
      end)
      assert.equal(0, server:connections())
    end)

    it("leaves open connections as they were begun", function()
      relay:set({ to = server.port })
      local client = connect(relay.port)
      client:send("GET /status/200 HTTP/1.1\r\nHost: h\r\n\r\n")
      assert.equal("HTTP/1.1 200 OK", client:receive("*l"))
      relay:set({ to = server.port, cut = { after = 0 } })
      assert.matches("0123456789$", (exchange(client, closing_get("/x"))))
      assert.equal("", (ask()))
    end)
  end)

  describe("as an HTTP proxy", function()
    local function head(method, target, more)
      return ("%s %s HTTP/1.1\r\nHost: h\r\n%s\r\n"):format(method, target, more or "")
    end

    it("forwards a request for an absolute URL, as an origin is asked", function()
      relay:set({ kind = "http" })
      local url = server.url .. "/echo?q=1"
      local client = connect(relay.port)
      assert.matches("^HTTP/1.1 200 OK", (exchange(client, head("POST", url,
        "Proxy-Connection: keep-alive\r\nX-A: b\r\nContent-Length: 4\r\n") .. "body")))
      local request = server:requests()[1]
      assert.same({ "POST", "/echo?q=1", "body", "b", "close" }, { request.method, request.target,
        request.body, request.header("X-A"), request.header("Connection") })
      assert.is_nil(request.header("Proxy-Connection"))
      local asked = relay:requests()[1]
      assert.same({ "forward", url, false }, { asked.kind, asked.target, asked.named })
      assert.matches("Proxy%-Connection", asked.head)
    end)

    it("tunnels", function()
      relay:set({ kind = "http" })
      local client = connect(relay.port)
      client:send(head("CONNECT", "localhost:" .. server.port))
      assert.equal("HTTP/1.1 200 Connection established", client:receive("*l"))
      assert.equal("X-Proxy: connected", client:receive("*l"))
      client:receive("*l")
      assert.equal("0123456789", (exchange(client, closing_get("/x"))))
      local asked = relay:requests()[1]
      assert.same({ "connect", "localhost:" .. server.port, true },
        { asked.kind, asked.target, asked.named })
    end)

    it("counts what is to be cut from the tunnel's first byte", function()
      relay:set({ kind = "http", cut = { after = 3 } })
      local text = exchange(connect(relay.port), head("CONNECT", "127.0.0.1:" .. server.port)
        .. closing_get("/x"))
      assert.matches("^HTTP/1.1 200 .*\r\n\r\n012$", text)
    end)

    it("leads where it is told to, and otherwise to loopback alone", function()
      relay:set({ kind = "http", to = server.port })
      local get = head("GET", "http://elsewhere.invalid/x")
      assert.equal("0123456789", (exchange(connect(relay.port), get)))
      relay:set({ kind = "http" })
      assert.matches("^HTTP/1.1 502 ", (exchange(connect(relay.port), get)))
    end)

    it("requires credentials", function()
      relay:set({ kind = "http", user = "me", password = "se:cret" })
      local target = "127.0.0.1:" .. server.port
      local function answer(credentials)
        local field = credentials and ("Proxy-Authorization: Basic %s\r\n")
          :format((mime.b64(credentials)))
        local client = connect(relay.port)
        client:send(head("CONNECT", target, field))
        local line = client:receive("*l")
        client:close()
        return line:match("%d%d%d")
      end
      assert.same({ "407", "407", "200" }, { answer(), answer("me:secret"), answer("me:se:cret") })
      local asked = relay:requests()[2]
      assert.same({ "me", "secret" }, { asked.user, asked.password })
      assert.is_nil(relay:requests()[1].user)
    end)

    it("refuses what is no request to a proxy", function()
      relay:set({ kind = "http" })
      assert.matches("^HTTP/1.1 400 ", (exchange(connect(relay.port), head("GET", "/x"))))
    end)
  end)

  describe("as a SOCKS5 proxy", function()
    local greeting, with_password = "\5\1\0", "\5\2\0\2"

    local function target(host)
      local address = host and string.char(3, #host) .. host or "\1\127\0\0\1"
      return "\5\1\0" .. address .. string.pack(">I2", server.port)
    end

    -- The bytes of each answer, and the client.
    local function talk(...)
      local client, answers = connect(relay.port), {}
      for index, step in ipairs({ ... }) do
        client:send(step[1])
        answers[index] = { client:receive(step[2]):byte(1, 2) }
      end
      return answers, client
    end

    it("connects to an address or a name", function()
      relay:set({ kind = "socks5" })
      for _, host in ipairs({ false, "localhost" }) do
        local answers, client = talk({ greeting, 2 }, { target(host), 10 })
        assert.same({ { 5, 0 }, { 5, 0 } }, answers)
        assert.equal("0123456789", (exchange(client, closing_get("/x"))))
      end
      local first, second = table.unpack(relay:requests())
      assert.same({ "socks5", "127.0.0.1:" .. server.port, false },
        { first.kind, first.target, first.named })
      assert.same({ "localhost:" .. server.port, true }, { second.target, second.named })
    end)

    it("requires credentials", function()
      relay:set({ kind = "socks5", user = "me", password = "secret" })
      assert.same({ { 5, 255 } }, (talk({ greeting, 2 })))
      assert.same({ { 5, 2 }, { 1, 1 } }, (talk({ with_password, 2 }, { "\1\2me\5wrong", 2 })))
      assert.same({ { 5, 2 }, { 1, 0 }, { 5, 0 } },
        (talk({ with_password, 2 }, { "\1\2me\6secret", 2 }, { target(), 10 })))
      local asked = relay:requests()[3]
      assert.same({ "me", "secret" }, { asked.user, asked.password })
    end)

    it("says so where nobody listens, and reaches no name but localhost", function()
      relay:set({ kind = "socks5" })
      assert.same({ { 5, 0 }, { 5, 5 } },
        (talk({ greeting, 2 }, { target("elsewhere.invalid"), 10 })))
      server:stop()
      assert.same({ { 5, 0 }, { 5, 5 } }, (talk({ greeting, 2 }, { target(), 10 })))
      server = origin.start()
    end)
  end)

  it("refuses options that it has not", function()
    assert.has_error(function() relay:set({ kind = "ftp" }) end, "a proxy is no 'ftp'")
    assert.has_error(function() relay:set({ too = 1 }) end, "a proxy has no option 'too'")
    assert.has_error(function() proxy.start({}) end, "a relay needs a port to relay to")
  end)

  it("ends at once when stopped", function()
    local other = proxy.start({ kind = "http" })
    other:stop()
    other:stop()
    assert.is_nil(socket.connect("127.0.0.1", other.port))
  end)
end)
