--- Numbers as people read them.
local units = {}

local SIZES = { "bytes", "KiB", "MiB", "GiB", "TiB" }

--- "17 bytes", "3.1 MiB"
function units.bytes(count)
  local size = 1
  while count >= 1024 and size < #SIZES do
    count, size = count / 1024, size + 1
  end
  return (size == 1 and "%d %s" or "%.1f %s"):format(count, SIZES[size])
end

--- "12.3 ms", "1.42 s"
function units.seconds(seconds)
  return seconds < 1 and ("%.1f ms"):format(seconds * 1000) or ("%.2f s"):format(seconds)
end

return units
