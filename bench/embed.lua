-- What a C program pays for the library: a request from C beside the same from Lua, and a runtime.

local Report = require "bench.report"
local child = require "bench.child"
local measure = require "bench.measure"
local process = require "spec.support.process"

local KIBIBYTE = 1024
local ALONE = "return SyncSender {}"
local LAYERS = "return chain { CachingSender {}, RetryingSender {}, SyncSender {} }"

return function(context)
  local url = context.server.urls.small
  local program = context.build .. "/bench/embed"
  local lua = { context.lua, "bench/embed_work.lua" }
  local sides, bare = {}, nil
  for index, chain in ipairs { ALONE, LAYERS } do
    local name = index == 1 and "SyncSender" or "three layers"
    local reference = { name = name .. ", from Lua", words = lua, chain = chain }
    bare = bare or reference
    table.insert(sides, reference)
    table.insert(sides, { name = name .. ", viesti_send", words = { program }, chain = chain,
      reference = reference })
  end

  -- Alternately, so that all meet the same load.
  local function sample()
    for _ = 1, context.rounds do
      for _, side in ipairs(sides) do
        local words = table.move(side.words, 1, #side.words, 1, {})
        table.move({ "--seconds", context.seconds, side.chain, url }, 1, 4, #words + 1, words)
        local values = child.read(child.run(words, context.cores.client))
        side.cpu, side.time = side.cpu or {}, side.time or {}
        table.insert(side.cpu, values.cpu / values.requests)
        table.insert(side.time, values.seconds / values.requests)
      end
    end
  end

  local function report_sending(report)
    sample()
    report:table("a GET of 1 KiB", "cpu", "time", "cpu to the same from Lua", "target",
      "cpu to a SyncSender from Lua")
    for _, side in ipairs(sides) do
      local cpu, same = measure.median(side.cpu), side.reference
      local ratio = same and cpu / measure.median(same.cpu)
      report:row(side.name, measure.duration(cpu), measure.duration(measure.median(side.time)),
        ratio and measure.two_places(ratio), ratio and measure.verdict("<= 1.05", ratio),
        measure.ratio(cpu, measure.median(bare.cpu)))
    end
  end

  local function stripped_size()
    local stripped = os.tmpname()
    process.run(("strip -o %s %s/libviesti.so"):format(stripped, context.build))
    local file <close> = assert(io.open(stripped))
    local size = file:seek "end"
    os.remove(stripped)
    return size
  end

  local function report_opening(report)
    local values = child.read(child.run({ program, "--seconds", context.seconds, "open" },
      context.cores.client))
    report:table("what it takes", "measured", "target")
    local opening, memory = values.cpu / values.requests * 1e3, values.bytes / KIBIBYTE
    local size = stripped_size() / KIBIBYTE
    report:row("opening and closing a runtime, ms of cpu", measure.two_places(opening),
      measure.verdict("< 5", opening))
    report:row("memory of a runtime, KiB", ("%.0f"):format(memory),
      measure.verdict("< 1024", memory))
    report:row("libviesti.so, stripped, KiB", ("%.0f"):format(size), measure.verdict("< 600", size))
  end

  return {
    { name = "embed", report = function()
      local report = Report.new "The library in a C program"
      report_sending(report)
      report_opening(report)
      return report
    end },
  }
end
