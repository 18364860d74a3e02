-- A server of ours in a process of its own (a module over tcp_server), as its starter sees it:
-- started, asked, stopped.

local cjson = require("cjson")
local socket = require("socket")
local unix = require("socket.unix")
local process = require("spec.support.process")

local server_process = {}

local ServerProcess = {}
ServerProcess.__index = ServerProcess

local start_seconds = 10
local reply_seconds = 30

local function accept_control(self, listener)
  local deadline = socket.gettime() + start_seconds
  listener:settimeout(0.1)
  repeat
    local control = listener:accept()
    if control then
      return control
    end
    local output = self.process:output()
  until output ~= "" or socket.gettime() > deadline
  local output = self.process:output()
  self.process:stop()
  error(("the %s did not start: %s"):format(self.name, output), 4)
end

-- Starts that module as a program; `name` is what errors call it. Its port is in the result.
function server_process.start(module, name)
  local directory = process.temporary_directory()
  local path = directory .. "/control.sock"
  local listener = unix()
  assert(listener:bind(path))
  assert(listener:listen(1))
  local command = "exec " .. process.lua_command(module, path)
  local self = setmetatable({ name = name, process = process.start(directory, command) },
    ServerProcess)
  self.control = accept_control(self, listener)
  listener:close()
  self.control:settimeout(reply_seconds)
  self.port = math.tointeger(tonumber((assert(self.control:receive("*l")))))
  return self
end

-- The result of an order; raises, also for what went wrong in the server since the last one.
function ServerProcess:ask(order, arguments)
  assert(self.control, ("the %s is stopped"):format(self.name))
  local text = cjson.encode({ name = order, arguments = arguments or {} })
  local sent, problem = self.control:send(text .. "\n")
  local line
  if sent then
    line, problem = self.control:receive("*l")
  end
  if not line then
    error(("the %s does not answer (%s) %s"):format(self.name, problem, self.process:output()), 3)
  end
  local reply = cjson.decode(line)
  if reply.failures[1] then
    error(("the %s failed: %s"):format(self.name, table.concat(reply.failures, "\n")), 3)
  end
  return reply.result
end

function ServerProcess:stop()
  if self.control then
    self.control:close()
    self.control = nil
  end
  self.process:stop()
end

return server_process
