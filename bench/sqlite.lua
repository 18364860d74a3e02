-- What a store in an SQLite file is measured by: reports of their own, since there is no plain
-- program to compare with.

local child = require "bench.child"
local compare = require "bench.compare"
local measure = require "bench.measure"

local SIZES = { 1000, 20000 }

return function(context)
  local function time_of(mode, entries)
    local words = { context.lua, "bench/sqlite_work.lua", "--seconds", context.seconds,
      mode, entries }
    local values = {}
    for round = 1, context.rounds do
      local output = child.read(child.run(words, context.cores.client))
      values[round] = output.cpu / output.requests
    end
    return measure.duration(measure.median(values))
  end

  local function report()
    print "cache-sqlite: a file of responses of 1 KiB, a random one each time; cpu time"
    for _, entries in ipairs(SIZES) do
      compare.note("of %s: get %s, a hit of a CachingSender's %s, put %s, another making way",
        measure.number(entries), time_of("get", entries), time_of("hit", entries),
        time_of("put", entries))
    end
  end

  return { { name = "cache-sqlite", report = report } }
end
