-- An nginx for measurements: no log, one process, a 1 KiB and a 100 MiB file over HTTP and TLS. It
-- has a directory of its own and ends with this process.

local free_port = require "spec.support.free_port"
local process = require "spec.support.process"

local Server = {}
Server.__index = Server

local START_SECONDS, PORT_ATTEMPTS, PAUSE = 10, 10, 0.02
local SMALL, MEBIBYTE = 1024, 1024 * 1024
Server.LARGE = 100 * MEBIBYTE

local SYSTEM_AUTHORITIES = {
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
}

-- Paths are relative to nginx's prefix.
local CONFIGURATION = [[
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
lock_file nginx.lock;
error_log error.log error;
events {
  worker_connections 16384;
  multi_accept on;
}
http {
  client_body_temp_path temporary;
  proxy_temp_path temporary;
  fastcgi_temp_path temporary;
  scgi_temp_path temporary;
  uwsgi_temp_path temporary;
  access_log off;
  default_type application/octet-stream;
  root files;
  sendfile on;
  open_file_cache max=16 inactive=1d;
  open_file_cache_valid 1d;
  keepalive_timeout 1d;
  keepalive_requests 1000000000;
  http2_max_concurrent_streams 256;
  ssl_certificate certificate.pem;
  ssl_certificate_key key.pem;
  server {
    listen 127.0.0.1:{{http}} backlog=8192;
    location = /small {
      sendfile off;
    }
    location = /fresh {
      expires 1d;
      alias files/small;
    }
    location = /taking {
      client_max_body_size 0;
      return 200 "taken";
    }
  }
  server {
    listen 127.0.0.1:{{tls}} ssl http2 backlog=8192;
  }
  server { # closes after each response
    listen 127.0.0.1:{{closing}} ssl backlog=8192;
    keepalive_timeout 0;
  }
}
]]

local CERTIFICATE = [[openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes]]
  .. [[ -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1]]
  .. [[ -keyout %s/key.pem -out %s/certificate.pem]]

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read "a"
end

local function write(path, ...)
  local file = assert(io.open(path, "wb"))
  for _, part in ipairs { ... } do
    assert(file:write(part))
  end
  assert(file:close())
end

local function write_large(path)
  local file = assert(io.open(path, "wb"))
  local block = ("viesti\n\0"):rep(MEBIBYTE // 8)
  for _ = 1, Server.LARGE // MEBIBYTE do
    assert(file:write(block))
  end
  assert(file:close())
end

-- What the system trusts and our own certificate: as much to read as for a request to the world.
local function write_authorities(directory)
  local system
  for _, path in ipairs(SYSTEM_AUTHORITIES) do
    system = system or read(path)
  end
  local own = assert(read(directory .. "/certificate.pem"))
  write(directory .. "/authorities.pem", system or "", own)
  local _, count = (system or ""):gsub("BEGIN CERTIFICATE", "")
  return count
end

-- nginx writes its number once it listens. Returns it, or nil and what nginx said.
local function wait_until_listening(server)
  for _ = 1, START_SECONDS / PAUSE do
    local id = tonumber(read(server.directory .. "/nginx.pid") or "")
    if id then
      return math.tointeger(id)
    end
    local output = server.process:output()
    if output:find("emerg", 1, true) or output:find("not found", 1, true) then
      return nil, output
    end
    os.execute("sleep " .. PAUSE)
  end
  return nil, "it did not start within " .. START_SECONDS .. " s\n" .. server.process:output()
end

local function launch(server)
  local directory, ports = server.directory, {}
  for _, name in ipairs { "http", "tls", "closing" } do
    ports[name] = free_port()
  end
  write(directory .. "/nginx.conf", (CONFIGURATION:gsub("{{(%l+)}}", ports)))
  server.urls = {
    small = ("http://127.0.0.1:%d/small"):format(ports.http),
    large = ("http://127.0.0.1:%d/large"):format(ports.http),
    fresh = ("http://127.0.0.1:%d/fresh"):format(ports.http), -- for a day
    taking = ("http://127.0.0.1:%d/taking"):format(ports.http), -- whatever is sent there
    tls = ("https://127.0.0.1:%d/small"):format(ports.tls),
    closing = ("https://127.0.0.1:%d/small"):format(ports.closing),
  }
  server.process = process.start(directory, ([[PATH="$PATH:/usr/sbin:/usr/local/sbin"
    cd %s && exec nginx -p . -c nginx.conf -e error.log]]):format(process.quote(directory)))
  local output
  server.id, output = wait_until_listening(server)
  if not server.id then
    server.process:stop()
  end
  return server.id, output
end

local function prepare(server)
  local directory = process.temporary_directory()
  local quoted = process.quote(directory)
  process.run(CERTIFICATE:format(quoted, quoted))
  process.run(("mkdir %s/files %s/temporary"):format(quoted, quoted))
  write(directory .. "/files/small", ("x"):rep(SMALL))
  write_large(directory .. "/files/large")
  server.directory = directory
  server.ca = directory .. "/authorities.pem"
  server.authorities = write_authorities(directory)
end

-- A running server: urls (small, large, fresh, taking, tls, closing), ca (a PEM file), id (its
-- process).
function Server.start()
  local server, output = setmetatable({}, Server), nil
  for _ = 1, PORT_ATTEMPTS do
    prepare(server) -- the directory goes with the process
    local id
    id, output = launch(server)
    if id then
      return server
    elseif not output:find("Address already in use", 1, true) then
      break
    end
  end
  error("nginx: " .. output, 2)
end

function Server:stop()
  self.process:stop()
end

Server.__close = Server.stop

return Server
