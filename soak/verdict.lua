-- What must hold of a way when it is over: `outcome` is what run.lua has read from its process,
-- `tally` what the origin has counted meanwhile.

local cases = require "soak.cases"

local verdict = {}

local WARM = 0.2      -- the part of all requests after which memory must not grow any more,
local GROWTH = 0.05   -- but for so much of it,
local SLACK = { resident = 2048, lua = 512 } -- or so many KiB where that is more
local FEW = 50000     -- requests in which the store may still fill, and large bodies come for the
local SLACK_OF_FEW = { resident = 8192, lua = 512 } -- first time

-- A connection that dies without a byte is one that libcurl, for a GET, tries anew by itself.
local DIES_UNHEARD = { reset = true, silent = true }
local TRIES = 6

-- The first report that counts, and the last.
function verdict.warm_reports(outcome)
  for _, report in ipairs(outcome.reports) do
    if report.requests >= WARM * outcome.requests then
      return report, outcome.reports[#outcome.reports]
    end
  end
end

-- KiB of each kind. What is in the store, which has bounds of its own, comes and goes by some MiB.
local function memory_of(report)
  return { resident = report.resident - report.bytes // 1024, lua = report.lua }
end

local function judge_memory(outcome, say)
  local first, last = verdict.warm_reports(outcome)
  local before, after = memory_of(first), memory_of(last)
  local slack = outcome.requests < FEW and SLACK_OF_FEW or SLACK
  for _, what in ipairs { "resident", "lua" } do
    local growth = after[what] - before[what]
    if growth > math.max(slack[what], GROWTH * before[what]) then
      say("%s memory has grown by %d KiB, from %d", what, growth, before[what])
    end
  end
end

local function judge_ends(outcome, say)
  local ended = outcome.ended
  local done = outcome.reports[#outcome.reports].requests
  if done ~= outcome.requests or ended.lost ~= 0 or ended.repeated ~= 0 then
    say("of %d requests %d ended, %d of them never and %d not once", outcome.requests, done,
      ended.lost, ended.repeated)
  end
  if ended.descriptors_before ~= ended.descriptors_after then
    say("%d descriptors were open before and %d are after", ended.descriptors_before,
      ended.descriptors_after)
  end
end

local function judge_outcomes(outcome, say)
  local by_label = cases.by_label()
  for _, seen in ipairs(outcome.cases) do
    if not by_label[seen.label].allowed[seen.outcome] then
      say("%d of %s ended with %s", seen.count, seen.label, seen.outcome)
    end
  end
end

local function judge_wire(outcome, tally, say)
  for name, reached in pairs(tally) do
    if reached.repeated > 0 and not name:find "^429" then
      say("%d POSTs to %s arrived more than once", reached.repeated, name)
    end
  end
  for _, wire in ipairs(outcome.wire) do
    local reached = (tally[wire.name] or { requests = 0 }).requests
    local most = (wire.attempts or 0) * (DIES_UNHEARD[wire.name] and TRIES or 1)
    if wire.name ~= "secure" and (reached > most or reached < (wire.answered or 0)) then
      say("%s was sent %d times and answered %d times, and reached the origin %d times", wire.name,
        wire.attempts or 0, wire.answered or 0, reached)
    end
  end
end

-- A list of sentences, empty if all is well. `forgives_memory` is for sanitizers, which keep what
-- is freed for a while.
function verdict.of(outcome, tally, forgives_memory)
  local wrong = {}
  local function say(sentence, ...)
    wrong[#wrong + 1] = sentence:format(...)
  end
  if not outcome.ended then
    say("its process did not get to its end")
    return wrong
  end
  if not forgives_memory then
    judge_memory(outcome, say)
  end
  judge_ends(outcome, say)
  judge_outcomes(outcome, say)
  judge_wire(outcome, tally, say)
  return wrong
end

return verdict
