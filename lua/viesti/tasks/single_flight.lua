--- Work that several tasks need done is done once: whoever comes while it is under way waits for
--- its outcome.
local core = require "viesti.core"

---@class viesti.SingleFlight
local SingleFlight = {}
SingleFlight.__index = SingleFlight

local function refuse()
  error(core.place() .. "what others wait for waits for itself (a token function that sends "
    .. "through its own AuthenticatingSender, say)", 0)
end

local function park_until_ended(flight)
  flight.waiting[#flight.waiting + 1] = core.current()
  repeat
    if core.park(flight.task) == false and not flight.ended then
      refuse()
    end
  until flight.ended
end

local function wait_for(flight)
  if flight.leader == coroutine.running() then
    refuse()
  elseif core.current() then
    park_until_ended(flight)
  else
    core.spawn(park_until_ended, flight):join()
  end
end

-- However the work ends, cancelled too, nobody waits for it any longer.
local function landing(self, flight)
  return setmetatable({}, { __close = function()
    self.flight = nil
    flight.ended = true
    for _, task in ipairs(flight.waiting) do
      task:wake()
    end
  end })
end

-- What a coroutine that is no task waits for is not known.
local function lead(self, work)
  local thread, is_main = coroutine.running()
  local flight = { leader = thread, task = not is_main and core.current(), waiting = {} }
  local land <close> = landing(self, flight) -- first: memory may run out
  self.flight = flight
  flight.outcome = table.pack(pcall(work))
  return flight.outcome, land and nil
end

--- Returns what `work()` returns and raises what it raises, whether it is called here or under way
--- already. Where the task that does it is cancelled, one that waits does it instead.
---@param work function
---@return any ...
function SingleFlight:run(work)
  local outcome
  while self.flight and not outcome do
    local flight = self.flight
    wait_for(flight)
    outcome = flight.outcome
  end
  outcome = outcome or lead(self, work)
  if not outcome[1] then
    error(outcome[2], 0)
  end
  return table.unpack(outcome, 2, outcome.n)
end

return function()
  return setmetatable({}, SingleFlight)
end
