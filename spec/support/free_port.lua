-- A loopback port that nobody listens on just now.

local socket = require("socket")

return function()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return math.tointeger(tonumber(port))
end
