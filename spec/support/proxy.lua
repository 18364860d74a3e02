-- A TCP proxy in a process of its own, that ends with this process and reaches loopback alone.
--
--   local relay = proxy.start({ to = server.port, cut = { after = 100, reset = true } })
--   relay:set({ to = server.port })
--
-- What it does with connections accepted from now on:
--
--   kind = "relay"    passes bytes on to `to`; the default
--   kind = "http"     forwards requests for absolute URLs, one a connection, and tunnels CONNECT
--   kind = "socks5"   RFC 1928, with RFC 1929 where credentials are required
--   to = port         where every connection leads, whatever host and port were asked for
--   user, password    required of clients: without them 407, or SOCKS's failure
--
-- and how badly it passes on the bytes after the handshake with the proxy itself:
--
--   connect_delay = seconds     before it connects
--   delay = seconds             before every piece, either way
--   rate = bytes                a second, either way
--   cut = { after = n, from = "upstream" | "client", reset = true, stall = true }
--       after n bytes from that side, upstream unless said, everything ends, with RST if so said;
--       or that side is heard no more. What exceeds n is read and dropped: after = 0 is a cut in
--       place of the first byte.

local server_process = require("spec.support.server_process")

local proxy = {}

local Proxy = {}
Proxy.__index = Proxy

local option_names = {}
for name in ("kind to user password connect_delay delay rate cut"):gmatch("%S+") do
  option_names[name] = true
end

local kinds = { relay = true, http = true, socks5 = true }

local function check(options)
  for name in pairs(options) do
    if not option_names[name] then
      error(("a proxy has no option '%s'"):format(name), 3)
    end
  end
  local kind = options.kind or "relay"
  if not kinds[kind] then
    error(("a proxy is no '%s'"):format(kind), 3)
  elseif kind == "relay" and not options.to then
    error("a relay needs a port to relay to", 3)
  end
end

function proxy.start(options)
  check(options)
  local server = server_process.start("spec.support.proxy_server", "proxy")
  local self = setmetatable({
    server = server,
    port = server.port,
    url = "http://127.0.0.1:" .. server.port,
  }, Proxy)
  self:set(options)
  return self
end

-- Replaces all options; open connections keep theirs.
function Proxy:set(options)
  check(options)
  self.server:ask("set", options)
end

-- What the proxy was asked, in order: { kind = "forward" | "connect" | "socks5", target = a URL or
-- "host:port", named = whether the host came as a name, user, password, head = of HTTP }.
function Proxy:requests()
  return self.server:ask("requests")
end

-- Forgets requests and the count of connections; options and open connections live on.
function Proxy:reset()
  self.server:ask("reset")
end

-- Client connections accepted so far.
function Proxy:connections()
  return math.tointeger(self.server:ask("connections"))
end

-- Client connections open just now.
function Proxy:open_connections()
  return math.tointeger(self.server:ask("open_connections"))
end

function Proxy:stop()
  self.server:stop()
end

Proxy.__close = Proxy.stop

return proxy
