local certificates = require("spec.support.certificates").make()
local fixture = require("spec.support.fixture")
local fresh_lua = require("spec.support.fresh_lua")
local process = require("spec.support.process")
local tls_server = require("spec.support.tls_server")

local NAMES = "http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY "
  .. "SSL_CERT_FILE"

-- What a program does with the environment that it finds.
describe("A session", function()
  local server, middle = fixture.origin(), fixture.proxy({ kind = "http" })
  local secure = fixture.nginx({ http = tls_server({ name = "tls", certificate = certificates.good,
      directives = 'location / { return 200 "secure"; }' }) })

  -- What a program with these variables alone gets with these options, in both kinds of sender:
  -- the status, or an expression of `err`.
  local function fetch(url, variables, options, expression)
    local words = { "env" }
    for name in NAMES:gmatch("%S+") do
      words[#words + 1] = "-u " .. name
    end
    for name, value in pairs(variables) do
      words[#words + 1] = process.quote(name .. "=" .. value)
    end
    local output = fresh_lua(([[
      local viesti = require("viesti")
      for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
        local sender <close> = viesti[kind](%s)
        local response, err = sender:send({ url = %q })
        print(response and response.status_code or %s)
      end
    ]]):format(options or "{}", url, expression or "err.kind"), table.concat(words, " "))
    local first, second = output:match("^([^\n]+)\n([^\n]+)$")
    assert.equal(first, second, output)
    return first
  end

  local function secure_url()
    return ("https://127.0.0.1:%d/"):format(secure.ports.tls)
  end

  it("asks the proxy that the environment names", function()
    assert.equal("200", fetch(server.url .. "/status/200", { http_proxy = middle.url }))
    assert.same({ 2, 2 }, { #middle:requests(), server:count("/status/200") })
  end)

  it("asks none with trust_env = false, whatever the variable is called", function()
    for _, name in ipairs({ "http_proxy", "all_proxy", "ALL_PROXY" }) do
      assert.equal("200", fetch(server.url .. "/status/200", { [name] = middle.url },
        "{ trust_env = false }"))
    end
    for _, name in ipairs({ "https_proxy", "HTTPS_PROXY", "all_proxy" }) do
      assert.equal("200", fetch(secure_url(), { [name] = middle.url },
        ("{ trust_env = false, ca = %q }"):format(certificates.ca)))
    end
    assert.same({}, middle:requests())
  end)

  it("asks the proxy that is given with trust_env = false, whatever no_proxy says", function()
    assert.equal("200", fetch(server.url .. "/status/200", { no_proxy = "*" },
      ("{ trust_env = false, proxy = %q }"):format(middle.url)))
    assert.equal(2, #middle:requests())
  end)

  it("refuses a proxy that is none, without a word of its password", function()
    for _, proxy in ipairs({ "bad://me:secret@x:1", "http://me:sec ret@127.0.0.1:99999",
      "http://me:sec/ret@127.0.0.1:1", "me:secret@" }) do
      assert.equal("refused no false refused: the proxy that the environment names must be a URL "
        .. "whose scheme is http, https, socks4, socks4a, socks5 or socks5h "
        .. ("(GET %s/status/200)"):format(server.url),
        fetch(server.url .. "/status/200", { http_proxy = proxy }, "{}",
          "err.kind .. ' ' .. err.sent .. ' ' .. tostring(err.retryable) .. ' ' .. tostring(err)"))
    end
    assert.equal("refused the proxy must be a URL whose scheme is http, https, socks4, socks4a, "
      .. "socks5 or socks5h", fetch(server.url .. "/status/200", {},
        '{ curl = { PRE_PROXY = "bad://me:secret@x:1" } }', "err.kind .. ' ' .. err.message"))
    assert.equal("200", fetch(server.url .. "/status/200", { http_proxy = "bad://me:secret@x:1",
      no_proxy = "127.0.0.1" }))
  end)

  it("trusts the authorities in SSL_CERT_FILE", function()
    assert.equal("200", fetch(secure_url(), { SSL_CERT_FILE = certificates.ca }))
    assert.equal("tls", fetch(secure_url(), { SSL_CERT_FILE = certificates.stranger }))
    assert.equal("tls", fetch(secure_url(), {}))
  end)

  it("does not trust them with trust_env = false", function()
    assert.equal("tls", fetch(secure_url(), { SSL_CERT_FILE = certificates.ca },
      "{ trust_env = false }"))
  end)

  it("trusts those in ca instead, where that is given", function()
    assert.equal("tls", fetch(secure_url(), { SSL_CERT_FILE = certificates.ca },
      ("{ ca = %q }"):format(certificates.stranger)))
    assert.equal("200", fetch(secure_url(), { SSL_CERT_FILE = certificates.stranger },
      ("{ ca = %q }"):format(certificates.ca)))
  end)

  it("takes an empty SSL_CERT_FILE for none, and trusts nobody for one that is not there",
    function()
      for _, path in ipairs({ "", "/no/such/file.pem" }) do
        assert.equal("tls", fetch(secure_url(), { SSL_CERT_FILE = path }))
      end
      assert.equal("200", fetch(secure_url(), { SSL_CERT_FILE = "" },
        ("{ ca = %q }"):format(certificates.ca)))
    end)
end)
