-- What a client and each kind of proxy say before bytes are passed on. Each is called with
-- (client, options, dial, record) and returns the connection to the upstream, or nil after having
-- refused. dial(host, port) connects or returns nil; record(what was asked) is called once.

local mime = require("mime")
local header_list = require("spec.support.header_list")
local http_reader = require("spec.support.http_reader")

local handshakes = {}

local function are_accepted(options, user, password)
  return not options.user or (user == options.user and password == options.password)
end

function handshakes.relay(_, _, dial)
  return dial()
end

local function basic_credentials(headers)
  local value = header_list.get(headers, "proxy-authorization") or ""
  local encoded = value:match("^[Bb]asic ([%w+/=]+)$")
  local user, password = (encoded and mime.unb64(encoded) or ""):match("^(.-):(.*)$")
  return user, password
end

local function refuse(client, status, field)
  local lines = { "HTTP/1.1 " .. status, "X-Proxy: refused", "Connection: close",
    "Content-Length: 0", field }
  client:send(table.concat(lines, "\r\n") .. "\r\n\r\n")
end

local function is_for_proxy(name)
  name = name:lower()
  return name == "connection" or name:find("^proxy%-") ~= nil
end

-- The head as an origin is asked, without what is for the proxy.
local function origin_head(request, path)
  local lines = { ("%s %s HTTP/1.1"):format(request.method, path) }
  for _, pair in ipairs(request.headers) do
    if not is_for_proxy(pair[1]) then
      lines[#lines + 1] = pair[1] .. ": " .. pair[2]
    end
  end
  lines[#lines + 1] = "Connection: close"
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function parse_target(request)
  if request.method == "CONNECT" then
    return request.target:match("^(.-):(%d+)$")
  end
  local authority, path = (request.target or ""):match("^http://([^/?#]+)(.*)$")
  if authority then
    local host, port = authority:match("^(.-):(%d+)$")
    return host or authority, port or 80, path:find("^/") and path or "/" .. path
  end
end

function handshakes.http(client, options, dial, record)
  local request = http_reader.read_head(client)
  local host, port, path = parse_target(request)
  local user, password = basic_credentials(request.headers)
  record({
    kind = path and "forward" or "connect",
    target = request.target,
    named = host and not host:find("^[%d.]+$"),
    user = user,
    password = password,
    head = request.head,
  })
  if not host then
    return refuse(client, "400 Bad Request")
  elseif not are_accepted(options, user, password) then
    return refuse(client, "407 Proxy Authentication Required",
      'Proxy-Authenticate: Basic realm="tests"')
  end
  local upstream = dial(host, math.tointeger(tonumber(port)))
  if not upstream then
    return refuse(client, "502 Bad Gateway")
  elseif path then
    upstream:send(origin_head(request, path))
  else
    client:send("HTTP/1.1 200 Connection established\r\nX-Proxy: connected\r\n\r\n")
  end
  return upstream
end

-- RFC 1928, 3: which of the offered methods is used; 255 is none.
local NO_AUTHENTICATION, USER_AND_PASSWORD, NO_METHOD = 0, 2, 255

local function choose_method(client, options)
  local _, count = client:bytes(2):byte(1, 2)
  local offered, wanted = client:bytes(count), options.user and USER_AND_PASSWORD
    or NO_AUTHENTICATION
  local method = offered:find(string.char(wanted), 1, true) and wanted or NO_METHOD
  client:send(string.char(5, method))
  return method
end

-- RFC 1929.
local function read_credentials(client)
  client:bytes(1)
  local user = client:bytes(client:bytes(1):byte())
  return user, client:bytes(client:bytes(1):byte())
end

local IPV4, NAME = 1, 3

-- RFC 1928, 4. Returns host, port and whether the host came as a name; nil for other addresses.
local function read_target(client)
  local kind = client:bytes(4):byte(4)
  local host
  if kind == IPV4 then
    host = table.concat({ client:bytes(4):byte(1, 4) }, ".")
  elseif kind == NAME then
    host = client:bytes(client:bytes(1):byte())
  else
    return nil
  end
  return host, (">I2"):unpack(client:bytes(2)), kind == NAME
end

-- RFC 1928, 6.
local SUCCEEDED, CONNECTION_REFUSED, ADDRESS_TYPE_NOT_SUPPORTED = 0, 5, 8

local function reply(client, code)
  client:send(string.char(5, code, 0, IPV4, 0, 0, 0, 0, 0, 0))
end

function handshakes.socks5(client, options, dial, record)
  local method, user, password = choose_method(client, options), nil, nil
  if method == USER_AND_PASSWORD then
    user, password = read_credentials(client)
    client:send(string.char(1, are_accepted(options, user, password) and 0 or 1))
  end
  if method == NO_METHOD or not are_accepted(options, user, password) then
    return record({ kind = "socks5", user = user, password = password })
  end
  local host, port, named = read_target(client)
  record({ kind = "socks5", target = host and host .. ":" .. port, named = named, user = user,
    password = password })
  if not host then
    return reply(client, ADDRESS_TYPE_NOT_SUPPORTED)
  end
  local upstream = dial(host, port)
  reply(client, upstream and SUCCEEDED or CONNECTION_REFUSED)
  return upstream
end

return handshakes
