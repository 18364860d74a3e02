-- What a store in an SQLite file is measured by: reports of their own, since there is no plain
-- program to compare with.

local Report = require "bench.report"
local child = require "bench.child"
local measure = require "bench.measure"

local SIZES = { 1000, 20000 }
local MICROSECONDS = 1e6

return function(context)
  local function time_of(mode, entries)
    local words = { context.lua, "bench/sqlite_work.lua", "--seconds", context.seconds,
      mode, entries }
    local values = {}
    for round = 1, context.rounds do
      local output = child.read(child.run(words, context.cores.client))
      values[round] = output.cpu / output.requests
    end
    return measure.median(values) * MICROSECONDS
  end

  local function report_store()
    local report = Report.new
      "A file of responses of 1 KiB, a random one each time; microseconds of cpu"
    report:table("entries", "store:get", "a CachingSender's hit", "target",
      "store:put, another making way")
    for _, entries in ipairs(SIZES) do
      local hit = time_of("hit", entries)
      report:row(measure.number(entries), measure.number(time_of("get", entries)),
        measure.number(hit), measure.verdict("<= 15", hit), measure.number(time_of("put", entries)))
    end
    return report
  end

  return { { name = "cache-sqlite", report = report_store } }
end
