-- A loopback port that nobody listens on just now, and that was not given before.

local socket = require("socket")

local given = {}

local function any()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return math.tointeger(tonumber(port))
end

return function()
  local port
  repeat
    port = any()
  until not given[port]
  given[port] = true
  return port
end
