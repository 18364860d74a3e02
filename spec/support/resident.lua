-- The memory that this process holds, in bytes, as Linux counts it.

local resident = {}

local function read(name)
  local file <close> = assert(io.open("/proc/self/status"))
  return tonumber(file:read("a"):match(name .. ":%s*(%d+)")) * 1024
end

function resident.now()
  return read("VmRSS")
end

-- What it holds now, and from now on the most is counted.
function resident.start()
  local file <close> = assert(io.open("/proc/self/clear_refs", "w"))
  assert(file:write("5"))
  return resident.now()
end

-- The most it ever held since.
function resident.peak()
  return read("VmHWM")
end

return resident
