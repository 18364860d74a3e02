-- A measured run, as bench/plain.c has it: some requests to warm up, then a number of them or a
-- time. What is printed at the end is what bench/child.lua reads.

local Run = {}
Run.__index = Run

-- What Linux calls the peak of this very program; what getrusage says would also hold its parent's.
local function memory(name)
  local file <close> = io.open "/proc/self/status"
  return file and tonumber(file:read "a":match(name .. ":%s*(%d+)")) or 0
end

local function start_clocks(run)
  run.cpu_started = os.clock()
  run.started = run.now()
end

-- options: count or seconds, and warm-up, how many requests that shall take. now: a clock.
function Run.new(options, now, warm_up, between_looks)
  local run = setmetatable({
    now = now, count = options.count, seconds = options.seconds or 1,
    warm_up = options["warm-up"] or warm_up, between_looks = between_looks,
    done = 0, over = false,
  }, Run)
  start_clocks(run)
  return run
end

local function is_over(run, measured)
  if run.count then
    return measured >= run.count
  end
  return measured % run.between_looks == 0 and run.now() - run.started >= run.seconds
end

-- Counts a finished request: starts the clocks after the warm-up and stops them at the end.
function Run:add()
  if self.over then
    return
  end
  self.done = self.done + 1
  local measured = self.done - self.warm_up
  if measured == 0 then
    start_clocks(self)
  elseif measured > 0 and is_over(self, measured) then
    self.over = true
    self.elapsed = self.now() - self.started
    self.cpu = os.clock() - self.cpu_started
  end
end

function Run:print()
  print(("requests=%d seconds=%.6f cpu=%.6f peak=%d"):format(
    self.done - self.warm_up, self.elapsed, self.cpu, memory "VmHWM"))
end

function Run.resident()
  return memory "VmRSS"
end

return Run
