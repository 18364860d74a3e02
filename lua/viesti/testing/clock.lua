--- A clock that advances by itself: whoever sleeps on it is woken as soon as nobody has anything
--- else to do, and the time he asked for has passed then.
local core = require "viesti.core"
local new_sleepers = require "viesti.testing.sleepers"
local options = require "viesti.base.options"

local declaration = {
  { name = "wall", type = "number", default = 1e9, doc = "seconds since 1970 when it starts" },
  { name = "seed", type = "integer", default = 1, doc = "of its random numbers" },
}

-- Turns of the loop in which nobody went to sleep, until everybody is taken to have done so who
-- does not wait for something real, an answer say: a task that one wakes wakes another one.
local QUIET_TURNS = 1000

-- Nobody sleeps any longer who was woken or cancelled.
local function leave(state, sleeper)
  state.asleep = state.asleep - (sleeper.woken and 0 or 1)
  sleeper.woken = true
  if state.driver and state.asleep == 0 then
    state.driver:cancel()
    state.driver = nil
  end
end

local function wait_for_quiet(state)
  local quiet = 0
  repeat
    local before = state.count
    core.sleep(0)
    quiet = state.count == before and quiet + 1 or 0
  until core.is_stalled() or quiet == QUIET_TURNS
end

-- The first of those who still sleep; who was cancelled is dropped on the way.
local function first_of(state)
  local sleepers = state.sleepers
  while sleepers[1] and sleepers[1].woken do
    sleepers:take()
  end
  return sleepers[1]
end

local function advance(state, moment)
  state.now = math.max(state.now, moment)
  local first = first_of(state)
  while first and first.moment <= state.now do
    first.woken, state.asleep = true, state.asleep - 1
    first.task:wake()
    first = first_of(state)
  end
end

local function drive(state)
  while state.asleep > 0 do
    wait_for_quiet(state)
    local first = first_of(state)
    if first then
      advance(state, first.moment)
    end
  end
  state.driver = nil
end

local function sleep_in_task(state, task, moment)
  local sleeper <close> = setmetatable({ moment = moment, task = task, woken = false }, {
    __close = function(self) leave(state, self) end,
  })
  state.sleepers:add(sleeper)
  state.asleep, state.count = state.asleep + 1, state.count + 1
  state.driver = state.driver or core.spawn(drive, state)
  repeat
    core.park()
  until state.now >= moment
end

-- The next of a sequence of integers that look random (splitmix64).
local function mix(state)
  state.seed = state.seed + 0x9e3779b97f4a7c15
  local z = state.seed
  z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
  z = (z ~ (z >> 27)) * 0x94d049bb133111eb
  return z ~ (z >> 31)
end

--- A clock for the `clock` option of a chain's innermost sender: `now`, `wall`, `sleep` and
--- `random` as the real ones, but that ten minutes pass in no time, and the random numbers are the
--- same in each run. `advance(seconds)` lets time pass, `slept()` is how long was slept on it in
--- all.
---@param ... any { wall, seed }
---@return viesti.TestClock
return function(...)
  local values, wrong = options.read("clock", declaration, ...)
  if not values then
    error(wrong, 2)
  end
  local start = core.now()
  local state = { now = start, sleepers = new_sleepers(), asleep = 0, count = 0,
    seed = values.seed, slept = 0 }
  local clock = {}

  function clock.now()
    return state.now
  end

  function clock.wall()
    return values.wall + (state.now - start)
  end

  function clock.sleep(seconds)
    seconds = math.max(seconds, 0)
    state.slept = state.slept + seconds
    local task = core.current()
    if task then
      sleep_in_task(state, task, state.now + seconds)
    else
      advance(state, state.now + seconds)
    end
  end

  function clock.random()
    return (mix(state) >> 11) * 0x1p-53
  end

  function clock.advance(seconds)
    advance(state, state.now + seconds)
  end

  function clock.slept()
    return state.slept
  end

  return clock
end
