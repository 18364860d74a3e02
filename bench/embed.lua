-- What a C program pays for the library: a request from C beside the same from Lua, and a runtime.

local child = require "bench.child"
local compare = require "bench.compare"
local measure = require "bench.measure"
local process = require "spec.support.process"

local ALONE = "return SyncSender {}"
local LAYERS = "return chain { CachingSender {}, RetryingSender {}, SyncSender {} }"

return function(context)
  local url = context.server.urls.small
  local program = context.build .. "/bench/embed"
  local lua = { context.lua, "bench/embed_work.lua" }
  local sides = {}
  for index, chain in ipairs { ALONE, LAYERS } do
    local name = index == 1 and "SyncSender" or "three layers"
    local reference = { name = name .. ", Lua", words = lua, chain = chain }
    table.insert(sides, reference)
    table.insert(sides, { name = name .. ", C", words = { program }, chain = chain,
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

  local function report_sending()
    print "embed: a request from C, beside the same from Lua (target: <= 1.05)"
    sample()
    for _, side in ipairs(sides) do
      local cpu, time = measure.median(side.cpu), measure.median(side.time)
      local ratio = side.reference and (" (%.2f)"):format(cpu / measure.median(side.reference.cpu))
      compare.note("%s: cpu %s%s, %s each", side.name, measure.duration(cpu), ratio or "",
        measure.duration(time))
    end
  end

  local function report_opening()
    local values = child.read(child.run({ program, "--seconds", context.seconds, "open" },
      context.cores.client))
    local stripped = os.tmpname()
    process.run(("strip -o %s %s/libviesti.so"):format(stripped, context.build))
    local file <close> = assert(io.open(stripped))
    local size = file:seek "end"
    os.remove(stripped)
    compare.note("opening and closing a runtime: %s of cpu (target: < 5 ms)",
      measure.duration(values.cpu / values.requests))
    compare.note("a runtime's memory: %.0f KiB (target: < 1024)", values.bytes / 1024)
    compare.note("libviesti.so, stripped: %.0f KiB (target: < 600)", size / 1024)
  end

  return {
    { name = "embed", report = function()
      report_sending()
      report_opening()
    end },
  }
end
