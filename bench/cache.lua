-- What the cache is measured by: reports of their own, since there is no plain program to compare
-- with. The limits are those of bench/store.c: the store alone, without Lua, rules or messages.

local child = require "bench.child"
local compare = require "bench.compare"
local measure = require "bench.measure"

local SIZES = { 1, 10000, 1000000 }
local LIMITS = { 10000, 1000000 }
local LARGE = 1000000 -- takes long to fill: once is enough
local ENTRIES = 100000
local IN_MEMORY = 10000

return function(context)
  local one_core, any_core = context.cores.client, table.concat(child.cores(), ",")
  local store = { context.build .. "/bench/store", "--seconds", context.seconds }
  local work = { context.lua, "bench/cache_work.lua", "--seconds", context.seconds }

  -- What a program prints that is run with these words behind its own.
  local function output_of(core, program, ...)
    local words = table.move(program, 1, #program, 1, {})
    return child.read(child.run(table.move({ ... }, 1, select("#", ...), #words + 1, words), core))
  end

  local function seconds_each(program, mode, entries)
    local values = {}
    for round = 1, entries >= LARGE and 1 or context.rounds do
      local output = output_of(one_core, program, mode, entries)
      values[round] = output.seconds / output.requests
    end
    return measure.median(values)
  end

  local function hits()
    print "cache-hit: Client > CachingSender, 1 KiB of JSON, a random URL"
    for _, entries in ipairs(SIZES) do
      local limit = seconds_each(store, "hit", entries)
      compare.note("of %s: %s, a Request made once %s; the store, clock and malloc alone in C %s",
        measure.number(entries), measure.duration(seconds_each(work, "hit", entries)),
        measure.duration(seconds_each(work, "hit-prepared", entries)), measure.duration(limit))
    end
  end

  local function evictions()
    print "cache-evict: a response is stored, another has to make way"
    for _, entries in ipairs(LIMITS) do
      compare.note("of %s: %s; in C alone %s", measure.number(entries),
        measure.duration(seconds_each(work, "evict", entries)),
        measure.duration(seconds_each(store, "evict", entries)))
    end
  end

  local function memory()
    local values = output_of(one_core, work, "memory", ENTRIES)
    print(("cache-memory: %s entries of %d bytes of URL, fields and body"):format(
      measure.number(ENTRIES), values.content))
    compare.note("beside them %d bytes each by the process's memory, %d by store:bytes()",
      values.resident - values.content, values.bytes - values.content)
  end

  local function rate(threads)
    local output = output_of(any_core, store, "lookup", IN_MEMORY, threads)
    return output.requests / output.seconds
  end

  local function threads()
    local pairs_of_runs = {}
    for round = 1, context.rounds do
      local one = rate(1)
      pairs_of_runs[round] = rate(2) / one
    end
    print(("cache-threads: two threads find %.2f times what one does (target: near 2)"):format(
      measure.median(pairs_of_runs)))
  end

  return {
    { name = "cache-hit", report = hits },
    { name = "cache-evict", report = evictions },
    { name = "cache-memory", report = memory },
    { name = "cache-threads", report = threads },
  }
end
