-- What the cache is measured by: reports of their own, since there is no plain program to compare
-- with. The limits are those of bench/store.c: the store alone, without Lua, rules or messages.

local Report = require "bench.report"
local child = require "bench.child"
local measure = require "bench.measure"

local SIZES = { { 1, 0.5 }, { 10000, 1 }, { 1000000, 2 } } -- entries, microseconds asked for
local LIMIT = 0.12 -- of C's on the machine which they were asked for on, with 10,000
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
  local function print_of(core, program, ...)
    local words = table.move(program, 1, #program, 1, {})
    return child.run(table.move({ ... }, 1, select("#", ...), #words + 1, words), core)
  end

  local function output_of(...)
    return child.read(print_of(...))
  end

  -- Microseconds of the processor's time, one for each line that the program prints.
  local function time_of(program, mode, entries)
    local values = {}
    for round = 1, entries >= LARGE and 1 or context.rounds do
      local number = 0
      for line in print_of(one_core, program, mode, entries):gmatch "[^\n]+" do
        local output = child.read(line)
        number = number + 1
        values[number] = values[number] or {}
        values[number][round] = output.cpu / output.requests * 1e6
      end
    end
    return table.unpack(measure.each(values, measure.median))
  end

  -- How many times what C takes on the machine that the targets are from it takes here.
  local scale
  local function scaled(target)
    scale = scale or time_of(store, "hit", IN_MEMORY) / LIMIT
    return "<= " .. measure.two_places(target * scale)
  end

  local function note_scale(report)
    report:note("Targets are for a machine where C's lookup, clock and malloc take %.2f with %s "
      .. "entries; here they take %.2f, so each is %.2f times as long.", LIMIT,
      measure.number(IN_MEMORY), LIMIT * scale, scale)
  end

  local function hits()
    local report = Report.new(
      "Hits of Client > CachingSender, 1 KiB of JSON, a random URL; microseconds of cpu")
    report:table("entries", "a table each time", "a Request made once",
      "C: lookup, clock, malloc", "target, scaled")
    for _, size in ipairs(SIZES) do
      local entries, target = table.unpack(size)
      local hit, prepared = time_of(work, "hit", entries)
      report:row(measure.number(entries), measure.two_places(hit), measure.two_places(prepared),
        measure.two_places(time_of(store, "hit", entries)), measure.verdict(scaled(target), hit))
    end
    note_scale(report)
    return report
  end

  local function evictions()
    local report = Report.new
      "A response is stored, another has to make way; microseconds of cpu"
    report:table("entries", "Client > CachingSender", "C: the store alone", "to the first",
      "target, of C")
    local first
    for _, entries in ipairs(LIMITS) do
      local alone = time_of(store, "evict", entries)
      first = first or alone
      report:row(measure.number(entries), measure.two_places(time_of(work, "evict", entries)),
        measure.two_places(alone), measure.ratio(alone, first),
        alone == first and measure.verdict(scaled(1.5), alone)
          or "ratio " .. measure.verdict("<= 4", alone / first))
    end
    note_scale(report)
    report:note "A CachingSender's time has that of a sender in Lua in it, which makes a response."
    return report
  end

  local function memory()
    local values = output_of(one_core, work, "memory", ENTRIES)
    local report = Report.new(("What %s entries take beside their %d bytes of URL, fields and body")
      :format(measure.number(ENTRIES), values.content))
    report:table("by", "bytes an entry", "target")
    for _, by in ipairs { { "the process's memory", values.resident },
      { "store:bytes()", values.bytes } } do
      local more = by[2] - values.content
      report:row(by[1], measure.number(more), measure.verdict("<= 200", more))
    end
    return report
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
    local report = Report.new(("Two threads that find %s entries in memory"):format(
      measure.number(IN_MEMORY)))
    report:table("lookups a second of two threads", "ratio", "target")
    local ratio = measure.median(shared)
    report:row("one store, to one thread alone", measure.two_places(ratio),
      measure.verdict(">= 1.8", ratio))
    report:row("a store each, to one thread alone", measure.two_places(measure.median(apart)))
    report:row("one store, to a store each", measure.two_places(measure.median(control)))
    report:note("On one store a lookup takes each of the two %.2f times the cpu time of one alone.",
      measure.median(cpus))
    return report
  end

  return {
    { name = "cache-hit", report = hits },
    { name = "cache-evict", report = evictions },
    { name = "cache-memory", report = memory },
    { name = "cache-threads", report = threads },
  }
end
