--- Work that Ctrl-C ends: what it holds is closed, files that are not whole are removed.
local core = require "viesti.core"
local viesti = require "viesti"

local interruption = {}

local SIGNAL = 128 -- what shells add to a signal's number

local function watch(descriptor, job)
  core.wait_descriptor(descriptor, "r")
  job:cancel()
end

--- Runs `work()` as a task. Returns what it returned; or nil and the exit code where the process
--- was asked to end meanwhile.
---@param work fun(): any
---@return any result, integer? code
function interruption.guard(work)
  local descriptor = core.catch_interrupts()
  local result = viesti.run(function()
    local job <close> = viesti.spawn(work)
    local _ <close> = descriptor and viesti.spawn(watch, descriptor, job) or nil
    return (job:join())
  end)
  local signal = core.interrupted()
  if signal then
    return nil, SIGNAL + signal
  end
  return result
end

return interruption
