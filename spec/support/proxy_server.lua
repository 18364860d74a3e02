-- Usage: proxy_server.lua CONTROL_SOCKET. The process behind proxy.lua.

local socket = require("socket")
local connection = require("spec.support.connection")
local proxy_handshakes = require("spec.support.proxy_handshakes")
local proxy_relay = require("spec.support.proxy_relay")
local tcp_server = require("spec.support.tcp_server")

local options = {}
local records = {}
local server

-- Only loopback is ever connected to. Returns a connection, or nil.
local function connect(host, port)
  if not (host == "localhost" or host:find("^127%.%d+%.%d+%.%d+$")) then
    return nil
  end
  local handle = assert(socket.tcp4())
  handle:settimeout(0)
  local _, problem = handle:connect(host == "localhost" and "127.0.0.1" or host, port)
  if problem == "timeout" then
    server.tasks:wait("write", handle)
  end
  if not handle:getpeername() then
    handle:close()
    return nil
  end
  handle:setoption("tcp-nodelay", true)
  return connection.new(handle, server.tasks)
end

local function serve(client)
  local chosen = options
  local function dial(host, port)
    if chosen.connect_delay then
      client:pause(chosen.connect_delay)
    end
    if chosen.to then
      return connect("127.0.0.1", math.tointeger(chosen.to))
    end
    return connect(host, port)
  end
  local function record(what)
    records[#records + 1] = what
  end
  local upstream = proxy_handshakes[chosen.kind or "relay"](client, chosen, dial, record)
  if upstream then
    proxy_relay(server, client, upstream, chosen)
  else
    client:close_after_drain()
  end
end

local orders = {}

function orders.set(given)
  options = given
end

function orders.reset()
  records = {}
  server:forget_connections()
end

function orders.requests()
  return records
end

server = tcp_server.new(serve, orders, 2)
server:run(arg[1])
