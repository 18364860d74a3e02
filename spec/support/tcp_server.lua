-- The inside of a server_process: accepts clients on a loopback port, serves each in a task of its
-- own, and obeys orders, one JSON object a line, from the listener on a control socket. Ends with
-- that connection.

local socket = require("socket")
local unix = require("socket.unix")
local cjson = require("cjson")
local connection = require("spec.support.connection")
local scheduler = require("spec.support.scheduler")

local tcp_server = {}

-- select takes no descriptor beyond 1023; more clients wait in the backlog.
local most_descriptors = 900
local full_pause = 0.01
local backlog = 4096

local function is_closed(problem)
  return problem == connection.closed
end

-- Runs fn until it returns or its connection is closed; other errors go on.
function tcp_server.until_closed(fn, ...)
  local ok, problem = xpcall(fn, function(problem)
    return is_closed(problem) and problem or debug.traceback(problem)
  end, ...)
  if not ok and not is_closed(problem) then
    error(problem, 0)
  end
end

local Server = {}
Server.__index = Server

-- serve(client) serves one connection; orders are functions of the table of arguments; each client
-- takes that many descriptors at most.
function tcp_server.new(serve, orders, descriptors)
  local self = setmetatable({
    serve = serve,
    open_limit = most_descriptors // (descriptors or 1),
    accepted = 0,
    open = 0,
    last_number = 0,
    failures = {},
  }, Server)
  self.tasks = scheduler.new(function(message)
    table.insert(self.failures, message)
  end)
  self.orders = setmetatable({
    connections = function() return self.accepted end,
    open_connections = function() return self.open end,
  }, { __index = orders })
  return self
end

function Server:forget_connections()
  self.accepted = 0
end

local function serve_one(self, handle, number)
  local client = connection.new(handle, self.tasks, number)
  local ok, problem = pcall(tcp_server.until_closed, self.serve, client)
  client:close()
  self.open = self.open - 1
  if not ok then
    error(problem, 0)
  end
end

local function accept_clients(self, listener)
  while true do
    local handle = self.open < self.open_limit and listener:accept()
    if handle then
      self.accepted, self.open = self.accepted + 1, self.open + 1
      self.last_number = self.last_number + 1
      handle:setoption("tcp-nodelay", true)
      self.tasks:spawn(serve_one, self, handle, self.last_number)
    elseif self.open < self.open_limit then
      self.tasks:wait("read", listener)
    else
      self.tasks:sleep(full_pause)
    end
  end
end

local function obey(self, control)
  while true do
    local order = cjson.decode((control:line()))
    local reply = { result = self.orders[order.name](order.arguments), failures = self.failures }
    self.failures = {}
    control:send(cjson.encode(reply) .. "\n")
  end
end

local function obey_until_closed(self, control)
  local _, problem = xpcall(obey, debug.traceback, self, control)
  if not is_closed(problem) then
    io.stderr:write(tostring(problem), "\n")
  end
  os.exit(0)
end

function Server:run(control_path)
  local listener = assert(socket.tcp4())
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(backlog))
  listener:settimeout(0)
  local _, port = listener:getsockname()
  local control = unix()
  assert(control:connect(control_path))
  assert(control:send(port .. "\n"))
  control:settimeout(0)
  self.tasks:spawn(accept_clients, self, listener)
  self.tasks:spawn_background(obey_until_closed, self, connection.new(control, self.tasks, 0))
  self.tasks:run()
end

return tcp_server
