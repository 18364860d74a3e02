-- A real nginx on a free loopback port, in a directory of its own, that ends with this process.
--
--   local server = nginx.start({ locations = "…", http = "…", files = { ["a.json"] = "{}" } })
--
-- Servers of one's own stand in http; there "{{port NAME}}" becomes a free port, server.ports.NAME.
--
-- Always there: /static/ /cache/max-age/ /cache/short/ /cache/none/ /gzip/ (all over the same
-- files, among them text.txt), /limited and /flaky (a second request for the same URI within a
-- second gets 429 with Retry-After: 1, or 503), /status/CODE, and with the echo module
-- /delay/NNms /delay/NNNms /delay/Ns.

local socket = require("socket")
local unix = require("socket.unix")
local free_port = require("spec.support.free_port")
local nginx_conf = require("spec.support.nginx_conf")
local process = require("spec.support.process")

local nginx = {}

local Server = {}
Server.__index = Server

local start_seconds = 10
local port_attempts = 10
local status_request = "GET / HTTP/1.1\r\nHost: status\r\n\r\n"
local module_directories = {
  "/usr/lib/nginx/modules",
  "/usr/lib64/nginx/modules",
  "/usr/local/libexec/nginx",
}

local default_files = {
  ["text.txt"] = ("A line of text that compresses rather well.\n"):rep(200),
}

local function echo_module()
  for _, directory in ipairs(module_directories) do
    local path = directory .. "/ngx_http_echo_module.so"
    local file <close> = io.open(path, "rb")
    if file then
      return path
    end
  end
end

local function write_file(path, content)
  local file = assert(io.open(path, "wb"))
  assert(file:write(content))
  assert(file:close())
end

local function make_directory(path)
  process.run("mkdir -p " .. process.quote(path))
end

local function connect_status(directory)
  local connection = unix()
  connection:settimeout(start_seconds)
  if connection:connect(directory .. "/status.sock") then
    return connection
  end
  connection:close()
end

local function read_status(server)
  assert(server.status:send(status_request))
  server.own_requests = server.own_requests + 1
  local length
  repeat
    local line = assert(server.status:receive("*l"))
    length = tonumber(line:match("^Content%-Length: (%d+)")) or length
  until line == ""
  local text = assert(server.status:receive(length))
  local active, accepted, requests = text:match("connections: (%d+).-(%d+) %d+ (%d+)")
  return {
    active = math.tointeger(active) - 1,
    accepted = math.tointeger(accepted) - 1,
    requests = math.tointeger(requests) - server.own_requests,
  }
end

-- The status socket is in our own directory: an answer there cannot be another server's. Only an
-- answer shows that all sockets are open: nginx opens them one by one, this one first.
local function wait_until_accepting(server)
  local deadline = socket.gettime() + start_seconds
  repeat
    server.status = connect_status(server.directory)
    if server.status and pcall(read_status, server) then
      return true
    end
    local output = server.process:output()
    if output:find("[emerg]", 1, true) or output:find("not found", 1, true) then
      return false, output
    end
    socket.sleep(0.002)
  until socket.gettime() > deadline
  return false, "nginx did not start within " .. start_seconds .. " s\n" .. server.process:output()
end

local function assign_ports(http)
  local ports = {}
  http = http:gsub("{{port ([%w_]+)}}", function(name)
    ports[name] = ports[name] or free_port()
    return ports[name]
  end)
  return http, ports
end

local function start_once(options)
  local directory = process.temporary_directory()
  local port = free_port()
  local http, ports = assign_ports(options.http or "")
  for _, name in ipairs({ "files", "fixed", "temporary" }) do
    make_directory(directory .. "/" .. name)
  end
  write_file(directory .. "/fixed/ok", "ok\n")
  write_file(directory .. "/nginx.conf", nginx_conf({
    port = port,
    http = http,
    locations = options.locations,
    echo_module = echo_module(),
  }))
  local server = setmetatable({
    port = port,
    ports = ports,
    url = "http://127.0.0.1:" .. port,
    directory = directory,
    root = directory .. "/files",
    stamps = {},
    own_requests = 0,
  }, Server)
  for _, files in ipairs({ default_files, options.files or {} }) do
    for name, content in pairs(files) do
      server:write(name, content)
    end
  end
  server.process = process.start(directory, ([[PATH="$PATH:/usr/sbin:/usr/local/sbin"
    cd %s && exec nginx -p . -c nginx.conf -e error.log]]):format(process.quote(directory)))
  local accepting, output = wait_until_accepting(server)
  if accepting then
    return server
  end
  server:stop()
  return nil, output
end

-- options: http and locations (directives for these blocks), files (name to content).
function nginx.start(options)
  local server, output
  for _ = 1, port_attempts do
    server, output = start_once(options or {})
    if server then
      return server
    elseif not output:find("Address already in use", 1, true) then
      break
    end
  end
  error("nginx: " .. output, 2)
end

-- nginx's ETag is made of the size and the second of the change: what is written again within a
-- second is stamped a second later, so that every content has a tag of its own.
function Server:write(name, content)
  local path, incoming = self.root .. "/" .. name, self.directory .. "/incoming"
  local folder = name:match("^(.*)/")
  if folder then
    make_directory(self.root .. "/" .. folder)
  end
  write_file(incoming, content)
  -- Not os.time(): a file's stamp may come from a clock that is a few milliseconds ahead of it.
  local now, previous = math.floor(socket.gettime()), self.stamps[name]
  if previous then
    now = math.max(now, previous + 1)
    local stamp = os.date("!%Y-%m-%dT%H:%M:%SZ", now)
    process.run(("touch -d %s %s"):format(stamp, process.quote(incoming)))
  end
  self.stamps[name] = now
  assert(os.rename(incoming, path))
end

-- Requests received so far, whatever became of them.
function Server:requests()
  return read_status(self).requests
end

-- Client connections accepted so far.
function Server:connections()
  return read_status(self).accepted
end

-- Client connections open just now.
function Server:open_connections()
  return read_status(self).active
end

-- A list of lines: method, URI, status, connection's number, request's number on that connection,
-- and If-None-Match or "-". Holds every request whose response has arrived.
function Server:log()
  read_status(self) -- answered after the turn of nginx's loop that logged what came before
  local lines = {}
  for line in io.lines(self.directory .. "/access.log") do
    lines[#lines + 1] = line
  end
  return lines
end

function Server:stop()
  if self.status then
    self.status:close()
    self.status = nil
  end
  self.process:stop()
end

Server.__close = Server.stop

return nginx
