local viesti = require("viesti")
local certificates = require("spec.support.certificates").make()
local nginx = require("spec.support.nginx")
local proxy = require("spec.support.proxy")
local tls_replies = require("spec.support.tls_replies")
local tls_server = require("spec.support.tls_server")
local ways = require("spec.support.ways")

local ca = certificates.ca

local facts = [[
  location = /facts {
    default_type text/plain;
    return 200 "$ssl_protocol $ssl_client_verify $ssl_session_reused";
  }
]]

-- Servers whose certificate is refused, and the words that say why.
local refused = {
  { "that has expired", "expired", "certificate has expired" },
  { "that is not yet valid", "not_yet_valid", "certificate is not yet valid" },
  { "for another host", "wrong_host", "target host name '127%.0%.0%.1'" },
  { "that signed itself", "self_signed", "self%-signed certificate" },
}

local function server_blocks()
  local blocks = {}
  local function add(name, directives, protocols)
    blocks[#blocks + 1] = tls_server({ name = name, protocols = protocols,
      certificate = certificates[name] or certificates.good, directives = facts .. directives })
  end
  add("good", "error_page 405 =200 $uri;") -- a file for a POST, too
  for _, case in ipairs(refused) do
    add(case[2], "")
  end
  add("old", "", "TLSv1.2")
  add("asking", ("ssl_verify_client on; ssl_client_certificate %s;"):format(ca))
  add("closing", "keepalive_timeout 0; ssl_session_cache shared:closing:1m;")
  add("old_closing", "keepalive_timeout 0; ssl_session_cache shared:old:1m;", "TLSv1.2")
  return table.concat(blocks)
end

for _, way in ipairs(ways) do
  describe("TLS with " .. way.name, function()
    local server, relay

    setup(function()
      server = nginx.start({ http = server_blocks(), files = { large = ("x"):rep(200000) } })
      relay = proxy.start({ to = server.ports.good })
    end)

    teardown(function()
      relay:stop()
      server:stop()
    end)

    local function url(name, path)
      return ("https://127.0.0.1:%d%s"):format(server.ports[name], path or "/facts")
    end

    local function relayed(path)
      return ("https://127.0.0.1:%d%s"):format(relay.port, path or "/facts")
    end

    local promise = way:promises({ ca = ca })

    local function get(sender, name)
      return assert(sender:send({ url = url(name) })).body
    end

    local function count_received()
      local _, count = table.concat(server:log(), "\n"):gsub(" /facts ", "")
      return count
    end

    -- An error that came before any request was sent.
    local function assert_refused(sender, target, words, kind)
      for _, method in ipairs({ "GET", "POST" }) do
        local before = count_received()
        local response, err = sender:send({ method = method, url = target })
        assert.is_nil(response)
        assert.same({ kind or "tls", "no", kind == "connect" },
          { err.kind, err.sent, err.retryable })
        assert.matches(words, err.message)
        assert.equal(("%s: %s (%s %s)"):format(kind or "tls", err.message, method, target),
          tostring(err))
        assert.equal(before, count_received())
      end
    end

    promise("trusts what its authority signed, for a name and for an address", function(sender)
      local response = assert(sender:send({ url = url("good") }))
      assert.equal("TLSv1.3 NONE .", response.body)
      assert.is_true(response.timings.tls > 0)
      local named = ("https://localhost:%d/facts"):format(server.ports.good)
      assert.equal(200, assert(sender:send({ url = named })).status_code)
    end)

    for _, case in ipairs(refused) do
      promise("refuses a certificate " .. case[1], function(sender)
        assert_refused(sender, url(case[2]), case[3])
        assert.is_false(select(2, sender:send({ url = url(case[2]) })).retryable)
        assert.matches("TLSv1.3", get(sender, "good"))
      end)
    end

    promise("refuses a certificate that an unknown authority signed", function(sender)
      assert_refused(sender, url("good"), "unable to get local issuer certificate")
      local default <close> = way.sender()
      assert_refused(default, url("good"), "unable to get local issuer certificate")
    end, { ca = certificates.stranger })

    promise("names a file of authorities that holds none", function(sender)
      assert_refused(sender, url("good"), "^the authorities cannot be read %(.*damaged%.pem%)$")
    end, { ca = certificates.damaged })

    it("takes any certificate without verify, and warns once", function()
      local warnings = {}
      local before = viesti.InsecureWarning:set(function(text) warnings[#warnings + 1] = text end)
      way.run(function()
        local sender <close> = way.sender({ verify = false })
        for _, case in ipairs(refused) do
          assert.matches("TLSv1.3", get(sender, case[2]))
        end
        local careful <close> = way.sender({ ca = ca })
        assert_refused(careful, url("expired"), "expired")
      end)
      viesti.InsecureWarning:set(before)
      assert.equal(1, #warnings)
    end)

    promise("speaks no version below min_tls", function(sender)
      assert.matches("TLSv1.3", get(sender, "good"))
      assert_refused(sender, url("old"), "^no version of TLS that both sides allow %(.*version")
      for _, lowest in ipairs({ "1.2", false }) do
        local lenient <close> = way.sender({ ca = ca, min_tls = lowest or nil })
        assert.matches("TLSv1.2", get(lenient, "old"))
      end
    end, { ca = ca, min_tls = "1.3" })

    promise("shows its certificate where a server asks for one", function(sender)
      assert.matches("SUCCESS", get(sender, "asking"))
      assert.matches("NONE", get(sender, "good"))
    end, { ca = ca, client_cert = certificates.client.certificate,
      client_key = certificates.client.key })

    promise("gets the answer of a server that asks for a certificate in vain", function(sender)
      local response = assert(sender:send({ url = url("asking") }))
      assert.equal(400, response.status_code)
      assert.matches("No required SSL certificate was sent", response.body)
    end)

    promise("refuses a key that is not its certificate's, by name", function(sender)
      assert_refused(sender, url("asking"), "^the client's certificate and key cannot be used "
        .. "%(.*" .. certificates.other_key:gsub("%p", "%%%0"))
    end, { ca = ca, client_cert = certificates.client.certificate,
      client_key = certificates.other_key })

    promise("says so where a server ends the connection within the handshake", function(sender)
      for _, cut in ipairs({ { from = "client", after = 0 }, { after = 0 }, { after = 5 },
        { after = 300 } }) do
        for _, reset in ipairs({ false, true }) do
          cut.reset = reset
          relay:set({ to = server.ports.good, cut = cut })
          assert_refused(sender, relayed(), "[Cc]onnection", "connect")
        end
      end
      relay:set({ to = server.ports.good })
      assert.equal(200, assert(sender:send({ url = relayed() })).status_code)
    end)

    promise("says so where a server speaks plain HTTP", function(sender)
      assert_refused(sender, ("https://127.0.0.1:%d/"):format(server.port),
        "^the server does not speak TLS %(.*wrong version number%)$")
      local plain = ("http://127.0.0.1:%d/"):format(server.ports.good)
      local response = assert(sender:send({ url = plain }))
      assert.equal(400, response.status_code)
      assert.matches("plain HTTP request was sent to HTTPS port", response.body)
    end)

    promise("resumes its sessions on later connections, and nobody else's", function(sender)
      local other <close> = way.sender({ ca = ca })
      local sharing = way.sender(sender.session)
      for name, version in pairs({ closing = "TLSv1.3", old_closing = "TLSv1.2" }) do
        local before = server:connections()
        local afresh, resumed = version .. " NONE .", version .. " NONE r"
        assert.same({ afresh, resumed, resumed }, { get(sender, name), get(sender, name),
          get(sharing, name) })
        local under_way <close> = assert(sender:send({ url = url(name), stream = true }))
        assert.equal(resumed, get(sender, name))
        assert.equal(resumed, under_way:read())
        assert.equal(afresh, get(other, name))
        assert.equal(6, server:connections() - before)
      end
    end)

    promise("takes no body for whole that breaks off", function(sender)
      for kind, reset in pairs({ truncated = false, reset = true }) do
        relay:set({ to = server.ports.good, cut = { after = 100000, reset = reset } })
        for method, retryable in pairs({ GET = true, POST = false }) do
          local response, err = sender:send({ method = method, url = relayed("/large") })
          assert.is_nil(response)
          assert.same({ kind, "maybe", retryable }, { err.kind, err.sent, err.retryable })
        end
      end
    end)

    promise("takes no server's word that it speaks HTTP/2", function(sender)
      local liar <close> = tls_replies.start({ plain = "HTTP/1.1 200 OK\r\n\r\nabc",
        lie = "HTTP/2 200 \r\n:status: 200\r\n\r\nabc" }, certificates.good)
      local at = ("https://127.0.0.1:%d/"):format(liar.port)
      assert.equal("abc", assert(sender:send({ url = at .. "plain" })).body)
      local response, err = sender:send({ url = at .. "lie" })
      assert.is_nil(response)
      assert.same({ "protocol", "maybe", false }, { err.kind, err.sent, err.retryable })
    end)
  end)
end
