local viesti = require("viesti")
local certificates = require("spec.support.certificates").make()
local fresh_lua = require("spec.support.fresh_lua")
local nginx = require("spec.support.nginx")
local tls_server = require("spec.support.tls_server")
local ways = require("spec.support.ways")

local host = [[location = /host { default_type text/plain; return 200 "$http_host"; }]]

describe("A unix socket", function()
  local server

  setup(function()
    server = nginx.start({ http = table.concat({
      ("server { listen unix:web.sock; root files; %s }"):format(host),
      tls_server({ listen = "unix:tls.sock", directives = host,
        certificate = certificates.good }),
    }) })
  end)

  teardown(function()
    server:stop()
  end)

  for _, way in ipairs(ways) do
    describe("to " .. way.name, function()
      local function promise(text, name, check)
        it(text, function()
          way.run(function()
            local sender <close> = way.sender({ unix_socket = server.directory .. "/" .. name,
              ca = certificates.ca })
            check(sender)
          end)
        end)
      end

      promise("leads to whoever listens there, for any host, which nobody looks up", "web.sock",
        function(sender)
          for _, name in ipairs({ "a.invalid", "b.invalid:81", "127.0.0.1:1" }) do
            local response = assert(sender:send({ url = ("http://%s/host"):format(name) }))
            assert.equal(name, response.body)
          end
          assert.equal(8800, #assert(sender:send({ url = "http://h/text.txt" })).body)
        end)

      promise("keeps a connection for the next request to the same host", "web.sock",
        function(sender)
          local before = server:connections()
          for number = 1, 5 do
            local response = assert(sender:send({ url = "http://a.invalid/host" }))
            assert.equal(number > 1, response.reused)
          end
          assert.equal(1, server:connections() - before)
        end)

      promise("carries TLS, whose certificate has to be the host's", "tls.sock", function(sender)
        assert.equal("localhost", assert(sender:send({ url = "https://localhost/host" })).body)
        local response, err = sender:send({ url = "https://a.invalid/host" })
        assert.is_nil(response)
        assert.same({ "tls", "no", false }, { err.kind, err.sent, err.retryable })
      end)

      for what, name in pairs({ ["is not there"] = "none.sock", ["is a file"] = "nginx.conf",
        ["is a directory"] = "files" }) do
        promise("that " .. what .. " is an error", name, function(sender)
          for _, url in ipairs({ "http://h/", "https://h/" }) do
            local response, err = sender:send({ method = "POST", url = url, content = "x" })
            assert.is_nil(response)
            assert.same({ "connect", "no", true }, { err.kind, err.sent, err.retryable })
          end
        end)
      end
    end)
  end

  it("is not reached through the proxy of the environment", function()
    assert.equal("a.invalid", fresh_lua(([[
      local viesti = require("viesti")
      local sender <close> = viesti.SyncSender({ unix_socket = %q })
      io.write(assert(sender:send({ url = "http://a.invalid/host" })).body)
    ]]):format(server.directory .. "/web.sock"), "env http_proxy=http://127.0.0.1:1"))
  end)

  it("serves two sessions apart from those over TCP", function()
    local over_unix <close> = viesti.SyncSender({ unix_socket = server.directory .. "/web.sock" })
    local over_tcp <close> = viesti.SyncSender()
    local url = server.url .. "/host"
    assert.equal(200, assert(over_unix:send({ url = url })).status_code)
    assert.equal(404, assert(over_tcp:send({ url = url })).status_code)
  end)
end)
