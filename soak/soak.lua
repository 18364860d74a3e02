-- Runs one way in a process of its own, reads what it prints, and judges it.

local line = require "soak.line"
local process = require "spec.support.process"
local verdict = require "soak.verdict"

local soak = {}

-- By itself glibc raises the size from which blocks go back to the system when they are freed, to
-- that of the largest yet; with a fixed one, what is resident is what is held.
local PREPARE = [[ulimit -S -n "$(ulimit -H -n)"
export MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
exec ]]

local function command_of(words)
  local quoted = { os.getenv "RUN_UNDER" or "" }
  for _, word in ipairs(words) do
    quoted[#quoted + 1] = process.quote(tostring(word))
  end
  return PREPARE .. table.concat(quoted, " ")
end

local kinds = {}

function kinds.report(outcome, values)
  table.insert(outcome.reports, values)
end

function kinds.case(outcome, values)
  values.outcome = tostring(values.outcome)
  table.insert(outcome.cases, values)
end

function kinds.wire(outcome, values)
  values.name = tostring(values.name)
  table.insert(outcome.wire, values)
end

kinds["end"] = function(outcome, values)
  outcome.ended = values
end

-- What came of so many requests: reports, cases, wire, ended, as line.lua has them; `wrong`, a list
-- of sentences. `on_report` is called with each report and the one before. `context` is as ways.lua
-- says, and `forgives_memory` is for the verdict.
function soak.run(way, requests, context, on_report)
  local outcome = { way = way, requests = requests, reports = {}, cases = {}, wire = {} }
  context.origins:forget()
  local pipe <close> = assert(io.popen(command_of(way.command(context, requests))))
  for text in pipe:lines() do
    local kind, values = line.parse(text)
    if kinds[kind] then
      kinds[kind](outcome, values)
    else
      print(text)
    end
    if kind == "report" and on_report then
      on_report(values, outcome.reports[#outcome.reports - 1])
    end
  end
  outcome.wrong = verdict.of(outcome, context.origins:tally(), context.forgives_memory)
  local ended_well = pipe:close()
  if not ended_well then
    table.insert(outcome.wrong, "its process failed")
  end
  return outcome
end

return soak
