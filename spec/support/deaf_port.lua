-- A loopback port that takes no further connection and does not refuse one either: its queue is
-- full. A to-be-closed { port, url }.

local socket = require("socket")

local DeafPort = {}
DeafPort.__index = DeafPort

local more_than_the_queue = 3

function DeafPort:__close()
  for _, client in ipairs(self.waiting) do
    client:close()
  end
  self.listener:close()
end

return function()
  local listener = assert(socket.bind("127.0.0.1", 0, 0))
  local _, port = listener:getsockname()
  local waiting = {}
  for index = 1, more_than_the_queue do
    waiting[index] = socket.tcp()
    waiting[index]:settimeout(0)
    waiting[index]:connect("127.0.0.1", port)
  end
  return setmetatable({ listener = listener, waiting = waiting, port = port,
    url = ("http://127.0.0.1:%d/"):format(port) }, DeafPort)
end
