-- lua-http, with a connection that is kept, which its request module has not: a stream a request.
--
--   lua bench/peers/lua_http.lua --version
--   lua bench/peers/lua_http.lua [--seconds S] URL one|many [AT-ONCE]

-- Debian has it for Lua up to 5.3; it runs on 5.4 as it is.
for _, version in ipairs { "5.3", "5.2", "5.1" } do
  package.path = package.path .. (";/usr/share/lua/%s/?.lua;/usr/share/lua/%s/?/init.lua")
    :gsub("%%s", version)
end

local Run = require "bench.clock"
local arguments = require "bench.arguments"
local client = require "http.client"
local cqueues = require "cqueues"
local new_headers = require "http.headers".new

if arg[1] == "--version" then
  print(require "http.version".version)
  return
end

local options = arguments(arg)
local host, port, path = options[1]:match "^http://([%d.]+):(%d+)(/.*)$"
local at_once = options[2] == "many" and options[3] or 1
local run = Run.new(options, cqueues.monotime, 20 + 2 * at_once, 20)

local function connect()
  return assert(client.connect { host = host, port = tonumber(port), tls = false, version = 1.1 })
end

local function get(connection)
  local headers = new_headers()
  headers:append(":method", "GET")
  headers:append(":scheme", "http")
  headers:append(":authority", host .. ":" .. port)
  headers:append(":path", path)
  local stream = connection:new_stream()
  assert(stream:write_headers(headers, true))
  local answer = assert(stream:get_headers())
  local body = assert(stream:get_body_as_string())
  assert(answer:get ":status" == "200" and #body > 0 and answer:get "content-type")
end

local function work()
  local connection = connect()
  while not run.over do
    get(connection)
    run:add()
  end
  connection:close()
end

local queue = cqueues.new()
for _ = 1, at_once do
  queue:wrap(work)
end
assert(queue:loop())
run:print()
