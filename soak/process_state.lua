-- What this process holds, as Linux says.

local lfs = require "lfs"

local process_state = {}

local function status(name)
  local file <close> = assert(io.open "/proc/self/status")
  return math.tointeger(tonumber(file:read "a":match(name .. ":%s*(%d+)")))
end

function process_state.resident_kib()
  return status "VmRSS"
end

function process_state.threads()
  return status "Threads"
end

function process_state.descriptors()
  local count = 0
  for _ in lfs.dir "/proc/self/fd" do
    count = count + 1
  end
  return count - 3 -- the two dots, and that of the folder itself
end

return process_state
