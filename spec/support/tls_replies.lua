-- A server that speaks TLS and answers "GET /name" with the reply of that name, head and all, as no
-- sane server would: openssl's own. It ends with this process.
--
--   local server <close> = tls_replies.start({ lie = "HTTP/2 200 \r\n\r\n" }, certificates.good)

local socket = require("socket")
local free_port = require("spec.support.free_port")
local process = require("spec.support.process")

local tls_replies = {}

local start_seconds = 10

local function write_file(path, content)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(content))
end

-- A started process with a field `port`; `pair` is one of spec.support.certificates'.
function tls_replies.start(replies, pair)
  local directory, port = process.temporary_directory(), free_port()
  for name, reply in pairs(replies) do
    write_file(directory .. "/" .. name, reply)
  end
  local server = process.start(directory, ("cd %s && exec openssl s_server -HTTP -quiet "
    .. "-accept 127.0.0.1:%d -cert %s -key %s"):format(process.quote(directory), port,
    process.quote(pair.certificate), process.quote(pair.key)))
  local deadline = socket.gettime() + start_seconds
  local client = socket.connect("127.0.0.1", port)
  while not client do
    assert(socket.gettime() < deadline, server:output())
    socket.sleep(0.002)
    client = socket.connect("127.0.0.1", port)
  end
  client:close() -- it serves one at a time
  server.port = port
  return server
end

return tls_replies
