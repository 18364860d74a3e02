-- User instructions per request, counted by valgrind: the difference between two runs of different
-- lengths, in which start and end cancel out.

local child = require "bench.child"

local function count(words, core, requests)
  local command = table.move(words, 1, #words, 4, {
    "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
  })
  command[#command + 1] = "--count"
  command[#command + 1] = requests
  local output = child.run(command, core)
  return tonumber(output:match "Collected : (%d+)") or error("valgrind: " .. output, 0)
end

-- lengths: { requests of the short run, of the long run }.
return function(words, core, lengths)
  local short, long = table.unpack(lengths)
  return (count(words, core, long) - count(words, core, short)) / (long - short)
end
