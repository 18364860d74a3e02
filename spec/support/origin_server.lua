-- Usage: origin_server.lua CONTROL_SOCKET. The process behind origin.lua.

local header_list = require("spec.support.header_list")
local http_reader = require("spec.support.http_reader")
local origin_answers = require("spec.support.origin_answers")
local origin_routes = require("spec.support.origin_routes")
local tcp_server = require("spec.support.tcp_server")

local routes = origin_routes.new()
local records = {}
local server

local function read_request(client)
  local request = http_reader.read_head(client)
  request.connection = client.number
  if request.malformed then
    return request, { status = 400, close = true }
  end
  local coming = routes:peek(request)
  if coming and coming.early then
    return request, routes:take(request)
  end
  if header_list.has_token(request.headers, "expect", "100-continue") then
    client:send("HTTP/1.1 100 Continue\r\n\r\n")
  end
  if coming and coming.first then
    client:send(coming.first)
  end
  http_reader.read_body(client, request)
  if request.malformed then
    return request, { status = 400, close = true }
  end
  return request, routes:take(request)
end

local function serve(client)
  repeat
    local request, answer = read_request(client)
    records[#records + 1] = request
  until not origin_answers.play(client, request, answer)
end

local orders = {}

function orders.route(order)
  routes:set(order.path, order.answers)
end

function orders.reset()
  routes:clear()
  records = {}
  server:forget_connections()
end

function orders.requests()
  return records
end

function orders.count(order)
  local count = 0
  for _, request in ipairs(records) do
    local target = request.target
    if target and (target == order.path or origin_routes.path_of(target) == order.path) then
      count = count + 1
    end
  end
  return count
end

server = tcp_server.new(serve, orders)
server:run(arg[1])
