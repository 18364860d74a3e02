-- Usage: origin_server.lua CONTROL_SOCKET. The process behind origin.lua: serves clients, and obeys
-- orders, one JSON object a line, from the listener on CONTROL_SOCKET. Ends with that connection.

local socket = require("socket")
local unix = require("socket.unix")
local cjson = require("cjson")
local connection = require("spec.support.connection")
local header_list = require("spec.support.header_list")
local http_reader = require("spec.support.http_reader")
local origin_answers = require("spec.support.origin_answers")
local origin_routes = require("spec.support.origin_routes")
local scheduler = require("spec.support.scheduler")

-- select takes no descriptor beyond 1023; more clients wait in the backlog.
local open_limit = 900
local full_pause = 0.01
local backlog = 4096

local faults = {}
local tasks = scheduler.new(function(message)
  faults[#faults + 1] = message
end)
local routes = origin_routes.new()
local records = {}
local accepted, open, last_number = 0, 0, 0

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

local function serve_until_closed(handle, number)
  local client = connection.new(handle, tasks, number)
  local ok, problem = xpcall(serve, function(problem)
    return problem == connection.closed and problem or debug.traceback(problem)
  end, client)
  client:close()
  open = open - 1
  if not ok and problem ~= connection.closed then
    error(problem, 0)
  end
end

local function accept_clients(listener)
  while true do
    local handle = open < open_limit and listener:accept()
    if handle then
      accepted, open, last_number = accepted + 1, open + 1, last_number + 1
      handle:setoption("tcp-nodelay", true)
      tasks:spawn(serve_until_closed, handle, last_number)
    elseif open < open_limit then
      tasks:wait("read", listener)
    else
      tasks:sleep(full_pause)
    end
  end
end

local orders = {}

function orders.route(order)
  routes:set(order.path, order.answers)
end

function orders.reset()
  routes:clear()
  records, accepted = {}, 0
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

function orders.connections()
  return accepted
end

function orders.open_connections()
  return open
end

local function obey(control)
  while true do
    local order = cjson.decode((control:line()))
    local reply = { result = orders[order.name](order), faults = faults }
    faults = {}
    control:send(cjson.encode(reply) .. "\n")
  end
end

local function obey_until_closed(control)
  local _, problem = xpcall(obey, debug.traceback, control)
  if problem ~= connection.closed then
    io.stderr:write(tostring(problem), "\n")
  end
  os.exit(0)
end

local listener = assert(socket.tcp4())
assert(listener:bind("127.0.0.1", 0))
assert(listener:listen(backlog))
listener:settimeout(0)
local _, port = listener:getsockname()

local control_handle = unix()
assert(control_handle:connect(arg[1]))
assert(control_handle:send(port .. "\n"))
control_handle:settimeout(0)

tasks:spawn(accept_clients, listener)
tasks:spawn_background(obey_until_closed, connection.new(control_handle, tasks, 0))
tasks:run()
