-- What a layer costs a request that succeeds at once: beside one that only hands on.

local Report = require "bench.report"
local child = require "bench.child"
local measure = require "bench.measure"

local LAYERS = {
  "retrying", "circuit_breaking", "rate_limiting", "concurrency_limiting", "deadline", "defaults",
  "authenticating", "redirecting", "failover", "tracing",
}

local MICROSECONDS = 1e6

return function(context)
  -- Alternately, so that all meet the same load.
  local function sample()
    local times, garbage = {}, {}
    for _ = 1, context.rounds do
      for _, name in ipairs { "none", "forwarding", table.unpack(LAYERS) } do
        local output = child.run({ context.lua, "bench/layers_work.lua", "--seconds",
          context.seconds, name }, context.cores.client)
        local values = child.read(output)
        times[name] = times[name] or {}
        table.insert(times[name], values.cpu / values.requests)
        garbage[name] = values.garbage
      end
    end
    return times, garbage
  end

  local function report_layers()
    local times, garbage = sample()
    local none = measure.median(times.none)
    local report = Report.new(("What a layer adds to a sender in Lua that answers at once, "
      .. "in %.3f microseconds"):format(none * MICROSECONDS))
    report:table("layer", "microseconds of cpu", "target", "bytes of garbage")
    for _, name in ipairs { "forwarding", table.unpack(LAYERS) } do
      local time = (measure.median(times[name]) - none) * MICROSECONDS
      report:row(name, measure.two_places(time), measure.verdict("<= 0.3", time),
        ("%.0f"):format(garbage[name] - garbage.none))
    end
    return report
  end

  return { { name = "layers", report = report_layers } }
end
