-- The places where a request cannot get to, or not as it should: what spec.support.faults names by
-- `at`. places.start(origin, certificates) starts the servers that stand there; then
--
--   local url, session, well = places.<name>()
--
-- is where to send to, by a session with which options, and where else that session can send to
-- now, nil if nowhere. places:stop() ends them.

local deaf_port = require("spec.support.deaf_port")
local free_port = require("spec.support.free_port")
local nginx = require("spec.support.nginx")
local proxy = require("spec.support.proxy")
local tls_server = require("spec.support.tls_server")

local fault_places = {}

local PATIENCE = 0.1

-- nginx passes these to the origin, so that a route there says what is answered in HTTP/2.
local passing = [[
  location /x {
    proxy_pass http://127.0.0.1:%d;
    proxy_http_version 1.1;
    proxy_buffering off;
  }
  location /echo {
    return 200;
  }
]]

local certificate_faults = { "expired", "not_yet_valid", "wrong_host", "self_signed" }

local function blocks(origin, certificates)
  local list = { tls_server({ name = "old", certificate = certificates.good,
    protocols = "TLSv1.2" }),
    tls_server({ name = "good", certificate = certificates.good, http2 = true,
      directives = passing:format(origin.port) }) }
  for _, name in ipairs(certificate_faults) do
    list[#list + 1] = tls_server({ name = name, certificate = certificates[name] })
  end
  return table.concat(list)
end

function fault_places.start(origin, certificates)
  local web = nginx.start({ http = blocks(origin, certificates) })
  local relay = proxy.start({ to = web.ports.good })
  local middle = proxy.start({ kind = "http" })
  local deaf = deaf_port()
  local places = {}

  local function secure(port)
    return ("https://127.0.0.1:%d/x"):format(port)
  end

  local function trusting(more)
    more = more or {}
    more.ca = more.ca or certificates.ca
    return more
  end

  local function nobody(scheme)
    return ("%s://127.0.0.1:%d/"):format(scheme, free_port())
  end

  local function through(scheme, credentials)
    return trusting({ connect_timeout = 10,
      proxy = ("%s://%s127.0.0.1:%d"):format(scheme, credentials or "", middle.port) })
  end

  local well = origin.url .. "/echo"

  for _, name in ipairs(certificate_faults) do
    places[name] = function()
      return secure(web.ports[name]), trusting(), well
    end
  end

  function places.unknown()
    return "http://nowhere.invalid/", {}, well
  end

  function places.deserted()
    return nobody("http"), {}, well
  end

  function places.deaf()
    return deaf.url, { connect_timeout = PATIENCE }, well
  end

  function places.stranger()
    return secure(web.ports.good), { ca = certificates.stranger }, well
  end

  function places.old()
    return secure(web.ports.old), trusting({ min_tls = "1.3" }), well
  end

  function places.plain()
    return secure(web.port), trusting(), well
  end

  function places.other_key()
    return secure(web.ports.good), trusting({ client_cert = certificates.client.certificate,
      client_key = certificates.other_key }), well
  end

  function places.cut_handshake()
    relay:set({ to = web.ports.good, cut = { after = 300 } })
    return secure(relay.port), trusting(), well
  end

  function places.reset_handshake()
    relay:set({ to = web.ports.good, cut = { after = 300, reset = true } })
    return secure(relay.port), trusting(), well
  end

  function places.silent_handshake()
    relay:set({ to = web.ports.good, cut = { after = 300, stall = true } })
    return secure(relay.port), trusting({ connect_timeout = PATIENCE }), well
  end

  function places.unknown_proxy()
    return well, { proxy = "http://nowhere.invalid:1" }
  end

  function places.deserted_proxy()
    return well, { proxy = nobody("http") }
  end

  function places.tunnel_to_nobody()
    middle:set({ kind = "http" })
    return nobody("https"), through("http"), well
  end

  function places.tunnel_refused()
    middle:set({ kind = "http", user = "me", password = "secret" })
    return secure(web.ports.good), through("http", "me:wrong@")
  end

  function places.socks_to_nobody()
    middle:set({ kind = "socks5" })
    return nobody("http"), through("socks5"), well
  end

  function places.socks_refused()
    middle:set({ kind = "socks5", user = "me", password = "secret" })
    return well, through("socks5", "me:wrong@")
  end

  function places.silent_socks()
    middle:set({ kind = "socks5", connect_delay = 3600 })
    local session = through("socks5")
    session.connect_timeout = PATIENCE
    return well, session
  end

  local function http2(answer)
    return function()
      origin:route("/x", answer)
      return secure(web.ports.good), trusting({ http_version = "2" }),
        ("https://127.0.0.1:%d/echo"):format(web.ports.good)
    end
  end

  local storable = { { "Cache-Control", "max-age=60" }, { "ETag", '"v1"' } }

  places.http2_silent = http2({ hang = true })
  places.http2_large = http2({ headers = storable, body = ("x"):rep(1001) })
  places.http2_short = http2({ headers = { storable[1], storable[2],
    { "Content-Length", "10" } }, body = "abc", close = true })

  function places:stop() -- luacheck: ignore
    deaf:__close()
    middle:stop()
    relay:stop()
    web:stop()
  end

  return places
end

return fault_places
