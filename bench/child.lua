-- Runs the programs that are measured and reads what they print.

local process = require "spec.support.process"

local child = {}

local LONGEST_SECONDS = 600

local PREPARE = [[ulimit -S -n "$(ulimit -H -n)"
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY
exec timeout --foreground -k 5 ]] .. LONGEST_SECONDS

function child.has(program)
  return (os.execute(("command -v %s >/dev/null 2>&1"):format(program)))
end

child.has_taskset = child.has "taskset"
child.has_valgrind = child.has "valgrind"

-- How many programs ran on this system in the last minute, on average; nil where it does not say.
function child.load()
  local file <close> = io.open "/proc/loadavg"
  return file and tonumber(file:read "a":match "^%S+")
end

-- The cores we may run on.
function child.cores()
  local file <close> = io.open "/proc/self/status"
  local list = file and file:read "a":match "Cpus_allowed_list:%s*(%S+)" or "0"
  local cores = {}
  for first, last in list:gmatch "(%d+)%-?(%d*)" do
    for core = tonumber(first), tonumber(last) or tonumber(first) do
      cores[#cores + 1] = core
    end
  end
  return cores
end

-- Moves a running process to a core.
function child.pin(id, core)
  if child.has_taskset then
    process.run(("taskset -a -c -p %d %d"):format(core, id))
  end
end

-- Runs a command, a list of words, on a core. Returns all that it printed; raises an error if it
-- fails.
function child.run(words, core)
  local command = { PREPARE }
  if child.has_taskset then
    command[2] = "taskset -c " .. core
  end
  for _, word in ipairs(words) do
    command[#command + 1] = process.quote(tostring(word))
  end
  local pipe <close> = assert(io.popen(table.concat(command, " ") .. " 2>&1"))
  local output = pipe:read "a"
  local ok, how, code = pipe:close()
  if not ok then
    error(("%s\n%s (%s %d)"):format(table.concat(words, " "), output, how, code), 0)
  end
  return output
end

-- What printed lines say: { requests = 100, seconds = 0.7, ... }.
function child.read(line)
  local values = {}
  for name, value in line:gmatch "(%l+)=(%S+)" do
    values[name] = tonumber(value)
  end
  return values
end

return child
