local fresh_lua = require("spec.support.fresh_lua")
local free_port = require("spec.support.free_port")
local nginx = require("spec.support.nginx")
local process = require("spec.support.process")

-- A server that closes while a large body is on its way makes the next write raise SIGPIPE, which
-- ends a process that does nothing about it. Hence one of its own for each case.
describe("A server that closes amid an upload", function()
  local web, folder, urls

  setup(function()
    local port = free_port()
    folder = process.temporary_directory()
    process.run(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
      .. "-subj /CN=localhost -keyout %s/key -out %s/certificate"):format(folder, folder))
    local locations = "location /closes { return 444; } location /fine { return 204; }"
    web = nginx.start({ locations = locations, http = ([[
      server {
        listen 127.0.0.1:%d ssl http2;
        ssl_certificate %s/certificate;
        ssl_certificate_key %s/key;
        %s
      }
    ]]):format(port, folder, folder, locations) })
    urls = { http = web.url, https = "https://127.0.0.1:" .. port }
  end)

  teardown(function()
    web:stop()
    process.run("rm -r " .. process.quote(folder))
  end)

  local bodies = {
    ["a string"] = '("x"):rep(8000000)',
    ["pieces"] = 'function() return ("x"):rep(100000) end',
  }

  local function output_of(kind, url, body, last_words)
    return fresh_lua(([[
      local viesti = require("viesti")
      viesti.InsecureWarning:set("ignore")
      for _, version in ipairs({ "1.1", "auto" }) do
        local sender = viesti.%s({ timeout = 10, verify = false, http_version = version })
        local response, err = sender:send({ method = "PUT", url = "%s/closes", content = %s })
        io.write(tostring(response), " ", err.kind, " ", err.sent, ", ")
        io.write(assert(sender:send({ url = "%s/fine" })).status_code, "\n")
      end
      %s
    ]]):format(kind, url, body, url, last_words), "env --default-signal=PIPE")
  end

  for scheme in pairs({ http = true, https = true }) do
    for name, body in pairs(bodies) do
      for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
        it(("is the error reset for %s by %s over %s"):format(name, kind, scheme), function()
          assert.equal("nil reset maybe, 204\nnil reset maybe, 204",
            output_of(kind, urls[scheme], body, ""))
        end)
      end
    end
  end

  -- Else the cases above show nothing.
  it("would end a process by SIGPIPE that writes to it by itself", function()
    assert.has_error(function()
      output_of("SyncSender", urls.http, bodies.pieces, [[
        local pipe = io.popen("exit", "w")
        repeat until not pipe:write(("x"):rep(65536))
      ]])
    end)
  end)
end)
