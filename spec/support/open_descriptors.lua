-- How many descriptors this process has open, as Linux counts them.

local lfs = require("lfs")

return function()
  local count = 0
  for _ in lfs.dir("/proc/self/fd") do
    count = count + 1
  end
  return count
end
