local viesti = require("viesti")
local certificates = require("spec.support.certificates").make()
local fixture = require("spec.support.fixture")
local free_port = require("spec.support.free_port")
local fresh_lua = require("spec.support.fresh_lua")
local process = require("spec.support.process")
local tls_server = require("spec.support.tls_server")
local ways = require("spec.support.ways")

-- The one needs to be encoded in a URL, the other says what is sent.
local user, password, encoded = "me", "p:w d@", "me:p%3Aw%20d%40@"

local locations = [[
  location = /seen {
    default_type text/plain;
    return 200 "$host $http_proxy_authorization $http_proxy_connection.";
  }
]]

describe("A proxy", function()
  local server, middle = fixture.origin(), fixture.proxy({ kind = "http" })
  local secure = fixture.nginx({ files = { large = ("x"):rep(200000) }, http = tls_server({
    name = "tls", http2 = true, directives = locations, certificate = certificates.good })
    .. tls_server({ name = "old", protocols = "TLSv1.2", directives = locations,
      certificate = certificates.good })
    .. tls_server({ name = "other", directives = locations,
      certificate = certificates.wrong_host }) })

  local function proxy_url(scheme, credentials)
    return ("%s://%s127.0.0.1:%d"):format(scheme, credentials or "", middle.port)
  end

  local function plain_url(path)
    return ("http://localhost:%d%s"):format(server.port, path or "/echo")
  end

  local function tls_url(path)
    return ("https://localhost:%d%s"):format(secure.ports.tls, path or "/seen")
  end

  -- A system may have IPv6 for localhost, too; nobody listens there.
  local function resolved()
    return { ("localhost:%d:127.0.0.1"):format(server.port),
      ("localhost:%d:127.0.0.1"):format(secure.ports.tls) }
  end

  local function nothing_arrived()
    return server:count("/echo") == 0 and not table.concat(secure:log()):find("/seen%-never")
  end

  for _, way in ipairs(ways) do
    describe("to " .. way.name, function()
      local function promise(text, scheme, check, credentials)
        it(text, function()
          way.run(function()
            local sender <close> = way.sender({ proxy = proxy_url(scheme, credentials),
              ca = certificates.ca, resolve = resolved() })
            check(sender)
          end)
        end)
      end

      promise("is asked for whole URLs where they are http", "http", function(sender)
        middle:set({ kind = "http" })
        local response = assert(sender:send({ method = "POST", url = plain_url("/echo?q=1#part"),
          content = "body" }))
        assert.same({ "/echo?q=1", "body" }, { response.content.target, response.content.body })
        local asked = middle:requests()
        assert.equal(1, #asked)
        assert.same({ "forward", plain_url("/echo?q=1") }, { asked[1].kind, asked[1].target })
        assert.equal(plain_url("/echo?q=1"), response.url)
      end)

      promise("is asked for one tunnel where they are https, and never seen in the answer", "http",
        function(sender)
          middle:set({ kind = "http" })
          for _, stream in ipairs({ true, false, true }) do
            local response = assert(sender:send({ url = tls_url(), stream = stream }))
            assert.is_nil(response.headers["X-Proxy"])
            assert.matches("nginx", response.headers["Server"])
            assert.same({ 200, "2", "localhost  ." }, { response.status_code,
              response.http_version, stream and response:read() or response.body })
          end
          local asked = middle:requests()
          assert.equal(1, #asked)
          assert.same({ "connect", "localhost:" .. secure.ports.tls, true },
            { asked[1].kind, asked[1].target, asked[1].named })
        end)

      promise("is shown the credentials of its URL, the origin is not", "http", function(sender)
        middle:set({ kind = "http", user = user, password = password })
        assert.equal(200, assert(sender:send({ url = plain_url() })).status_code)
        assert.equal("localhost  .", assert(sender:send({ url = tls_url() })).body)
        for _, asked in ipairs(middle:requests()) do
          assert.same({ user, password }, { asked.user, asked.password })
        end
        assert.is_nil(server:requests()[1].header("Authorization"))
      end, encoded)

      for what, credentials in pairs({ ["wrong ones"] = "me:wrong@", ["none"] = "" }) do
        promise("that wants credentials says so of " .. what, "http", function(sender)
          middle:set({ kind = "http", user = user, password = password })
          assert.equal(407, assert(sender:send({ url = plain_url() })).status_code)
          local response, err = sender:send({ url = tls_url("/seen-never") })
          assert.is_nil(response)
          assert.same({ "connect", "no", false }, { err.kind, err.sent, err.retryable })
          assert.equal("the proxy wants valid credentials in its URL (407)", err.message)
          assert.is_true(nothing_arrived())
        end, credentials)
      end

      promise("that cannot reach the host is heard", "http", function(sender)
        middle:set({ kind = "http" })
        local nobody = ("localhost:%d"):format(free_port())
        assert.equal(502, assert(sender:send({ url = ("http://%s/"):format(nobody) })).status_code)
        local response, err = sender:send({ url = ("https://%s/"):format(nobody) })
        assert.is_nil(response)
        assert.same({ "connect", "no", true }, { err.kind, err.sent, err.retryable })
        assert.equal("the proxy does not connect to the host (502)", err.message)
      end)

      promise("of SOCKS5 is given an address", "socks5", function(sender)
        middle:set({ kind = "socks5" })
        assert.equal("/echo", assert(sender:send({ url = plain_url() })).content.target)
        assert.equal(200, assert(sender:send({ url = tls_url() })).status_code)
        local first, second = table.unpack(middle:requests())
        assert.same({ "socks5", "127.0.0.1:" .. server.port, false },
          { first.kind, first.target, first.named })
        assert.same({ "127.0.0.1:" .. secure.ports.tls, false }, { second.target, second.named })
      end)

      promise("of SOCKS5 with an h is given the name, which nobody here looks up", "socks5h",
        function(sender)
          middle:set({ kind = "socks5", to = server.port })
          local response = assert(sender:send({ url = "http://nowhere.invalid:1234/echo" }))
          assert.same({ "nowhere.invalid:1234" }, response.content.headers.host)
          local asked = middle:requests()[1]
          assert.same({ "nowhere.invalid:1234", true }, { asked.target, asked.named })
        end)

      promise("of SOCKS5 is shown the credentials of its URL", "socks5", function(sender)
        middle:set({ kind = "socks5", user = user, password = password })
        assert.equal(200, assert(sender:send({ url = plain_url() })).status_code)
        assert.equal(200, assert(sender:send({ url = tls_url() })).status_code)
        for _, asked in ipairs(middle:requests()) do
          assert.same({ user, password }, { asked.user, asked.password })
        end
      end, encoded)

      for what, credentials in pairs({ ["wrong credentials"] = "me:wrong@", ["none"] = "" }) do
        promise("of SOCKS5 that refuses " .. what .. " is the end", "socks5", function(sender)
          middle:set({ kind = "socks5", user = user, password = password })
          for _, url in ipairs({ plain_url(), tls_url("/seen-never") }) do
            local response, err = sender:send({ url = url })
            assert.is_nil(response)
            assert.same({ "connect", "no", false }, { err.kind, err.sent, err.retryable })
            assert.equal("the proxy wants valid credentials in its URL", err.message)
          end
          assert.is_true(nothing_arrived())
        end, credentials)
      end

      promise("of SOCKS5 that cannot reach the host is heard", "socks5", function(sender)
        middle:set({ kind = "socks5" })
        local _, err = sender:send({ method = "POST", content = "x",
          url = ("http://127.0.0.1:%d/"):format(free_port()) })
        assert.same({ "connect", "no", true }, { err.kind, err.sent, err.retryable })
      end)

      it("that speaks TLS itself is checked as an origin is", function()
        local before = viesti.InsecureWarning:set(function() end)
        way.run(function()
          local function seen(name, options)
            options.proxy = ("https://127.0.0.1:%d"):format(secure.ports[name])
            local sender <close> = way.sender(options)
            local response, err = sender:send({ url = "http://elsewhere.invalid/seen" })
            return response and response.body or err.kind
          end
          local ca = certificates.ca
          local through = "elsewhere.invalid  Keep-Alive."
          assert.equal(through, seen("tls", { ca = ca }))
          assert.equal("tls", seen("tls", { ca = certificates.stranger }))
          assert.equal("tls", seen("tls", {}))
          assert.equal("tls", seen("other", { ca = ca }))
          assert.equal(through, seen("other", { verify = false }))
          assert.equal(through, seen("old", { ca = ca, min_tls = "1.2" }))
          assert.equal("tls", seen("old", { ca = ca, min_tls = "1.3" }))
        end)
        viesti.InsecureWarning:set(before)
      end)

      it("that is not there is no way to anywhere", function()
        way.run(function()
          for _, scheme in ipairs({ "http", "socks5", "socks5h" }) do
            local nobody = ("%s://127.0.0.1:%d"):format(scheme, free_port())
            local sender <close> = way.sender({ proxy = nobody })
            for _, url in ipairs({ plain_url(), tls_url("/seen-never") }) do
              local response, err = sender:send({ method = "POST", url = url, content = "x" })
              assert.is_nil(response)
              assert.same({ "connect", "no", true }, { err.kind, err.sent, err.retryable })
              assert.matches("^no connection to the proxy: .*127%.0%.0%.1.*refused%)$", err.message)
            end
          end
          assert.is_true(nothing_arrived())
        end)
      end)

      it("whose name has no address is not found", function()
        way.run(function()
          for _, scheme in ipairs({ "http", "socks5" }) do
            local sender <close> = way.sender({ proxy = scheme .. "://nowhere.invalid:1" })
            local _, err = sender:send({ url = plain_url() })
            assert.same({ "resolve", "no", true }, { err.kind, err.sent, err.retryable })
          end
        end)
      end)

      promise("that breaks off within a tunnel leaves no body for whole", "http",
        function(sender)
          for _, reset in ipairs({ false, true }) do
            middle:set({ kind = "http", cut = { after = 100000, reset = reset } })
            local response, err = sender:send({ url = tls_url("/large") })
            assert.is_nil(response)
            assert.is_true(err.kind == "truncated" or err.kind == "reset")
            assert.same({ "maybe", true }, { err.sent, err.retryable })
          end
          middle:set({ kind = "http" })
          assert.equal(200000, #assert(sender:send({ url = tls_url("/large") })).body)
        end)
    end)
  end

  describe("of the environment", function()
    local script = [[
      local viesti = require("viesti")
      local function fetch(options)
        options.ca = %q
        local sender <close> = viesti.SyncSender(options)
        for _, url in ipairs({ %q, %q }) do
          assert(assert(sender:send({ url = url })).status_code == 200)
        end
      end
      fetch(%s)
    ]]

    -- What the proxy was asked for by a program with these variables that gets one URL of each
    -- scheme.
    local function asked_for(variables, options)
      local words = { "env" }
      for name in ("http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY no_proxy "
        .. "NO_PROXY"):gmatch("%S+") do
        words[#words + 1] = process.quote(("%s=%s"):format(name, variables[name] or ""))
      end
      middle:set({ kind = "http" })
      assert.equal("", fresh_lua(script:format(certificates.ca, plain_url(), tls_url(),
        options or "{}"), table.concat(words, " ")))
      local kinds = {}
      for index, asked in ipairs(middle:requests()) do
        kinds[index] = asked.kind
      end
      return kinds
    end

    it("is used for the scheme it is named for", function()
      assert.same({ "forward" }, asked_for({ http_proxy = middle.url }))
      middle:reset()
      assert.same({ "connect" }, asked_for({ https_proxy = middle.url }))
      middle:reset()
      assert.same({ "connect" }, asked_for({ HTTPS_PROXY = middle.url }))
      middle:reset()
      assert.same({ "forward", "connect" }, asked_for({ all_proxy = middle.url }))
    end)

    it("is not taken from HTTP_PROXY, which a request to a CGI program can set", function()
      assert.same({}, asked_for({ HTTP_PROXY = middle.url }))
    end)

    it("is told from the host where it cannot be connected to", function()
      local nobody = ("127.0.0.1:%d"):format(free_port())
      local told = ([[
        local viesti = require("viesti")
        for _, host in ipairs { "localhost", "[::1]" } do
          for _, options in ipairs { {}, { proxy = "" } } do
            local _, err = viesti.SyncSender(options):send { url = "http://" .. host .. ":%d/" }
            print(err.kind, err.message:match("^no connection to the proxy: ") ~= nil)
          end
        end
      ]]):format(free_port())
      local with, without = "connect\ttrue\nconnect\tfalse\n", "connect\tfalse\nconnect\tfalse\n"
      local function answer(variables)
        return fresh_lua(told, "env " .. variables) .. "\n"
      end
      assert.equal(with:rep(2), answer("http_proxy=" .. nobody))
      assert.equal(without:rep(2), answer("http_proxy=" .. nobody .. " no_proxy='*'"))
    end)

    it("is not used for the hosts of no_proxy", function()
      assert.same({}, asked_for({ all_proxy = middle.url, no_proxy = "elsewhere,localhost" }))
      assert.same({}, asked_for({ all_proxy = middle.url, NO_PROXY = "*" }))
    end)

    it('is not used at all with proxy = ""', function()
      assert.same({}, asked_for({ all_proxy = middle.url, http_proxy = middle.url },
        '{ proxy = "" }'))
    end)

    it("gives way to one that is given, whatever no_proxy says", function()
      local nobody = ("http://127.0.0.1:%d"):format(free_port())
      assert.same({ "forward", "connect" }, asked_for(
        { all_proxy = nobody, no_proxy = "localhost" }, ("{ proxy = %q }"):format(middle.url)))
    end)
  end)

  it("given to one session is no other's", function()
    middle:set({ kind = "http" })
    local through <close> = viesti.SyncSender({ proxy = middle.url })
    local past <close> = viesti.SyncSender({ proxy = "" })
    for _, sender in ipairs({ through, past, through }) do
      assert(sender:send({ url = plain_url() }))
    end
    assert.same({ 2, 3 }, { #middle:requests(), server:count("/echo") })
  end)
end)
