-- What a layer costs a request that succeeds at once: beside one that only hands on.

local child = require "bench.child"
local compare = require "bench.compare"
local measure = require "bench.measure"

local LAYERS = {
  "retrying", "circuit_breaking", "rate_limiting", "concurrency_limiting", "deadline",
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

  local function report()
    local times, garbage = sample()
    local none = measure.median(times.none)
    print(("layers: a sender in Lua that answers at once, in %.3f us; what each adds, cpu time")
      :format(none * MICROSECONDS))
    for _, name in ipairs { "forwarding", table.unpack(LAYERS) } do
      compare.note("%s: %.2f us and %d bytes of garbage", name,
        (measure.median(times[name]) - none) * MICROSECONDS, garbage[name] - garbage.none)
    end
  end

  return { { name = "layers", report = report } }
end
