--- Race: the same attempt made several times side by side, each a while after the one before, until
--- one of them is good.
local core = require "viesti.core"

local Race = {}
Race.__index = Race

local function wake(self)
  self.news = true
  self.owner:wake()
end

local function start_runner(self)
  local number = #self.runners + 1
  self.running = self.running + 1
  self.runners[number] = self.sender:spawn(function()
    local outcome = table.pack(pcall(self.attempt))
    outcome.number = number
    self.running = self.running - 1
    self.outcomes[#self.outcomes + 1] = outcome
    wake(self)
  end)
end

local function stop_timer(self)
  if self.timer then
    self.timer:cancel()
    self.timer = nil
  end
end

local function start_timer(self)
  stop_timer(self)
  self.timer = self.sender:spawn(function()
    self.sender:sleep(self.delay)
    self.timer = nil
    wake(self)
  end)
end

-- Whoever has not won is cancelled, and what he has is given back.
Race.__close = function(self)
  for _, runner in ipairs(self.runners) do
    runner:cancel()
  end
  stop_timer(self)
  for _, outcome in ipairs(self.outcomes) do
    if outcome ~= self.winner and outcome[1] and outcome[2] then
      outcome[2]:close()
    end
  end
end

-- What was raised, the first good outcome, or the last one of all; nil while there is hope.
local function result(self)
  for _, outcome in ipairs(self.outcomes) do
    if not outcome[1] or self.is_good(outcome[2]) then
      return outcome
    end
  end
  local is_over = self.running == 0 and not self.may_start(#self.runners)
  return is_over and self.outcomes[#self.outcomes] or nil
end

local function wait_for_news(self)
  while not self.news do
    core.park()
  end
  self.news = false
end

local function run(self)
  repeat
    if self.may_start(#self.runners) then
      start_runner(self)
      start_timer(self)
    end
    wait_for_news(self)
    self.winner = result(self)
  until self.winner
  return self.winner
end

--- Runs one, in the calling task. Of `choices`, `sender` starts tasks and sleeps, `attempt` returns
--- a response, or nil and an error, `is_good` says of a response whether it ends the race,
--- `may_start` whether one more may start after so many, which happens `delay` seconds after the
--- last one, or as soon as one fails. Returns which one won, how many there were, and its outcome.
---@param choices table
---@return integer number, integer count, viesti.Response? response, viesti.Error? err
return function(choices)
  local self <close> = setmetatable({
    sender = choices.sender, delay = choices.delay, attempt = choices.attempt,
    is_good = choices.is_good, may_start = choices.may_start, owner = core.current(),
    runners = {}, outcomes = {}, running = 0,
  }, Race)
  local winner = run(self)
  if not winner[1] then
    error(winner[2], 0)
  end
  return winner.number, #self.runners, winner[2], winner[3]
end
