-- A redis-server of our own, behind a socket in a directory of its own, that keeps nothing on disk
-- and ends with this process.
--
--   local server = redis_server.start({ arguments = "--requirepass secret" })
--   server:store({ timeout = 1 })        a throw-away store on it, of the options given
--   server:kill() server:restart() server:pause() server:resume() server:stop()

local socket = require("socket")
local unix = require("socket.unix")
local process = require("spec.support.process")
local redis = require("viesti.redis")

local redis_server = {}

local Server = {}
Server.__index = Server

local start_seconds = 10

-- Only a reply shows that it serves: it takes connections before that. One that wants a password
-- says so.
local function answers(path)
  local connection = unix()
  connection:settimeout(1)
  local answered = connection:connect(path) and connection:send("PING\r\n")
    and connection:receive("*l")
  connection:close()
  return answered and (answered == "+PONG" or answered:find("NOAUTH", 1, true) ~= nil)
end

local function launch(self)
  self.process = process.start(process.temporary_directory(), ([[PATH="$PATH:/usr/sbin"
    cd %s && exec redis-server --port %d --bind 127.0.0.1 --unixsocket %s --pidfile %s/pid \
    --save "" --appendonly no --dir %s %s]]):format(process.quote(self.directory), self.port,
    process.quote(self.path), self.directory, process.quote(self.directory), self.arguments))
  local deadline = socket.gettime() + start_seconds
  while not answers(self.path) do
    if socket.gettime() > deadline then
      local output = self.process:output()
      self:stop()
      error("redis-server did not start: " .. output, 3)
    end
    socket.sleep(0.005)
  end
  local file <close> = assert(io.open(self.directory .. "/pid"))
  self.id = assert(file:read("n"))
end

-- options: port (none), arguments (further ones, as shell text).
function redis_server.start(options)
  options = options or {}
  local directory = process.temporary_directory()
  local self = setmetatable({ directory = directory, path = directory .. "/redis.sock",
    port = options.port or 0, arguments = options.arguments or "" }, Server)
  launch(self)
  return self
end

function Server:store(options)
  local given = { unix_socket = self.path }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return redis(given)
end

local function signal(self, name)
  process.run(("sh -c 'kill -%s %d'"):format(name, self.id)) -- the shell's own
end

-- As it stands, it answers nothing, while connections to it can be made.
function Server:pause()
  signal(self, "STOP")
end

function Server:resume()
  signal(self, "CONT")
end

-- It is gone, with all that it kept.
function Server:kill()
  self.process:stop()
  os.remove(self.path)
end

function Server:restart()
  self:kill()
  launch(self)
end

function Server:stop()
  self.process:stop()
  process.run("rm -rf " .. process.quote(self.directory))
end

Server.__close = Server.stop

return redis_server
