-- What it costs to start: the command for one GET, beside curl, and the library in Lua.

local Report = require "bench.report"
local child = require "bench.child"
local core = require "viesti.core"
local measure = require "bench.measure"

local TIMES = 10
local AGAIN = [[n=0; while [ $n -lt %d ]; do %s >/dev/null || exit 1; n=$((n+1)); done; times]]
local SPENT = "(%d+)m([%d.]+)s (%d+)m([%d.]+)s%s*$" -- the children's, user and system

return function(context)
  local url = context.server.urls.small
  local lua = context.lua
  local programs = {
    { "viesti URL", lua .. " bin/viesti " .. (url or "") },
    { "curl URL", "curl -sS " .. (url or ""), needs = "curl" },
    { "lua -e 'require \"viesti\"'", lua .. [[ -e 'require "viesti"']] },
    { "lua -e ''", lua .. " -e ''" },
  }

  -- Seconds and cpu seconds of one.
  local function time_of(command)
    local started = core.now()
    local output = child.run({ "sh", "-c", AGAIN:format(TIMES, command) }, context.cores.client)
    local elapsed = core.now() - started
    local minutes, seconds, more_minutes, more_seconds = output:match(SPENT)
    assert(minutes, output)
    return elapsed / TIMES,
      (60 * (minutes + more_minutes) + seconds + more_seconds) / TIMES
  end

  local function report_starts()
    child.pin(context.server.id, context.cores.server)
    local report = Report.new "A process from its start to its end"
    report:table("program", "ms", "ms of cpu")
    for _, program in ipairs(programs) do
      local times, cpus = {}, {}
      for round = 1, child.has(program.needs or lua) and context.rounds or 0 do
        times[round], cpus[round] = time_of(program[2])
      end
      if times[1] then
        report:row("`" .. program[1] .. "`", measure.number(measure.median(times) * 1e3),
          measure.number(measure.median(cpus) * 1e3))
      else
        report:note("Without %s: it is not installed.", program.needs)
      end
    end
    return report
  end

  return { { name = "command", report = report_starts } }
end
