-- The servers that a soak sends to: the faulty origin (origin.c) and, for what is healthy over TLS,
-- an nginx that closes each connection after some requests. Both end with this process.

local certificates = require "spec.support.certificates"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local socket = require "socket"
local tls_server = require "spec.support.tls_server"

local START_SECONDS, ANSWER_SECONDS = 10, 10

local SECURE = [[
  access_log off;
  keepalive_requests 20;
  location / {
    default_type text/plain;
    return 200 hello;
  }
]]

local Origins = {}
Origins.__index = Origins

local function start_faulty(build)
  local faulty = process.start(process.temporary_directory(),
    "exec " .. process.quote(build .. "/soak/origin"))
  local deadline = socket.gettime() + START_SECONDS
  while not faulty:output():find "^%d+\n" do
    assert(socket.gettime() < deadline, faulty:output())
    socket.sleep(0.01)
  end
  return faulty, math.tointeger(tonumber(faulty:output():match "%d+"))
end

-- `port` and `secure` are where they are, `ca` is the authority to trust.
function Origins.start(build)
  local made = certificates.make()
  local web = nginx.start { http = tls_server { name = "tls", certificate = made.good, http2 = true,
    directives = SECURE } }
  local faulty, port = start_faulty(build)
  return setmetatable({ web = web, faulty = faulty, port = port, ca = made.ca,
    secure = ("https://127.0.0.1:%d/secure/"):format(web.ports.tls) }, Origins)
end

local function ask(self, what)
  local connection = assert(socket.connect("127.0.0.1", self.port))
  connection:settimeout(ANSWER_SECONDS)
  assert(connection:send(("GET /%s/1 HTTP/1.1\r\n\r\n"):format(what)))
  local answer = assert(connection:receive "*a") -- it closes
  connection:close()
  return answer:match "\r\n\r\n(.*)"
end

-- Begins to count anew.
function Origins:forget()
  ask(self, "forget")
end

-- What has reached the faulty one: by case, { requests, repeated }, where `repeated` are POSTs that
-- had come before.
function Origins:tally()
  local tally = {}
  for name, requests, repeated in ask(self, "tally"):gmatch "(%S+) (%d+) (%d+)\n" do
    tally[name] = { requests = math.tointeger(tonumber(requests)),
      repeated = math.tointeger(tonumber(repeated)) }
  end
  return tally
end

function Origins:stop()
  self.faulty:stop()
  self.web:stop()
end

Origins.__close = Origins.stop

return Origins
