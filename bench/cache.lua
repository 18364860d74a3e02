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
local MORE_ROUNDS = 3 -- threads are easily disturbed

return function(context)
  local one_core, any_core = context.cores.client, table.concat(child.cores(), ",")
  local store = { context.build .. "/bench/store", "--seconds", context.seconds }
  local work = { context.lua, "bench/cache_work.lua", "--seconds", context.seconds }

  -- What a program prints that is run with these words behind its own.
  local function output_of(core, program, ...)
    local words = table.move(program, 1, #program, 1, {})
    return child.read(child.run(table.move({ ... }, 1, select("#", ...), #words + 1, words), core))
  end

  -- Microseconds of the processor's time.
  local function time_of(program, mode, entries)
    local values = {}
    for round = 1, entries >= LARGE and 1 or context.rounds do
      local output = output_of(one_core, program, mode, entries)
      values[round] = output.cpu / output.requests * 1e6
    end
    return measure.median(values)
  end

  local function hits()
    print "cache-hit: Client > CachingSender, 1 KiB of JSON, a random URL; cpu time"
    for _, entries in ipairs(SIZES) do
      compare.note("of %d: %.2f us, a Request made once %.2f us; C: store, clock, malloc %.2f us",
        entries, time_of(work, "hit", entries), time_of(work, "hit-prepared", entries),
        time_of(store, "hit", entries))
    end
  end

  local function evictions()
    print "cache-evict: a response is stored, another has to make way; cpu time"
    for _, entries in ipairs(LIMITS) do
      compare.note("of %d: %.2f us; in C the store alone %.2f us", entries,
        time_of(work, "evict", entries), time_of(store, "evict", entries))
    end
  end

  local function memory()
    local values = output_of(one_core, work, "memory", ENTRIES)
    print(("cache-memory: %s entries of %d bytes of URL, fields and body"):format(
      measure.number(ENTRIES), values.content))
    compare.note("beside them %d bytes each by the process's memory, %d by store:bytes()",
      values.resident - values.content, values.bytes - values.content)
  end

  local function lookups(mode, threads)
    local output = output_of(any_core, store, mode, IN_MEMORY, threads)
    return { rate = output.requests / output.seconds, cpu = output.cpu / output.requests }
  end

  -- What two threads do is held against what the machine lets two of them do that share nothing:
  -- where others use it, that is less than twice as much.
  local function threads()
    local shared, apart, control, cpus = {}, {}, {}, {}
    for round = 1, MORE_ROUNDS * context.rounds do
      local one, two = lookups("lookup", 1), lookups("lookup", 2)
      local free = lookups("lookup-apart", 2)
      shared[round], apart[round] = two.rate / one.rate, free.rate / one.rate
      control[round], cpus[round] = two.rate / free.rate, two.cpu / one.cpu
    end
    print(("cache-threads: two threads find %.2f times what two with a store each do (target: %s)")
      :format(measure.median(control), ">= 0.9"))
    compare.note("%.2f times what one does, those with a store each %.2f times; "
      .. "%.2f times the cpu time for each", measure.median(shared), measure.median(apart),
      measure.median(cpus))
  end

  return {
    { name = "cache-hit", report = hits },
    { name = "cache-evict", report = evictions },
    { name = "cache-memory", report = memory },
    { name = "cache-threads", report = threads },
  }
end
