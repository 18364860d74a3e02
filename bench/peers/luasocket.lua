-- LuaSocket as it is used: a connection for each request, as its http module has it.
--
--   lua bench/peers/luasocket.lua --version
--   lua bench/peers/luasocket.lua [--seconds S] URL one

local Run = require "bench.clock"
local arguments = require "bench.arguments"
local http = require "socket.http"
local socket = require "socket"

if arg[1] == "--version" then
  print(socket._VERSION:match "[%d.]+")
  return
end

local options = arguments(arg)
assert(options[2] == "one", "no such mode")
local run = Run.new(options, socket.gettime, 20, 20)
while not run.over do
  local body, status, headers = http.request(options[1])
  assert(status == 200 and #body > 0 and headers["content-type"], status)
  run:add()
end
run:print()
