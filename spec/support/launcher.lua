-- Usage: launcher.lua DIRECTORY COMMAND. Runs COMMAND until a line or the end comes on stdin, then
-- kills it and removes DIRECTORY.

local socket = require("socket")
local process = require("spec.support.process")

local directory, command = arg[1], arg[2]

-- Lua's popen hands every descriptor of the test process on. A server that held a client's socket
-- would hide that client's close from the server at its other end.
local function close_inherited_descriptors()
  local count = 1024
  local status <close> = io.open("/proc/self/status")
  if status then
    count = tonumber(status:read("a"):match("FDSize:%s*(%d+)")) or count
    status:close()
  end
  for descriptor = 3, count - 1 do
    local handle = socket.tcp()
    handle:setfd(descriptor)
    handle:close()
  end
end

local supervise = [[
trap '' HUP INT QUIT TERM
ulimit -S -n "$(ulimit -H -n)"
{ {{command}}
} </dev/null &
child=$!
exec >/dev/null 2>&1
read -r _
kill -KILL "$child"
wait "$child"
rm -rf {{directory}}
]]

close_inherited_descriptors()
os.execute((supervise:gsub("{{(%l+)}}", {
  command = command,
  directory = process.quote(directory),
})))
