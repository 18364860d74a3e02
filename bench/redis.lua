-- What the store on a Redis server is measured by, with redis-benchmark for a limit: both ask a
-- server on another core for 1 KiB, again and again.

local Report = require "bench.report"
local child = require "bench.child"
local measure = require "bench.measure"

local TASKS = { 100, 1 }
local BODY = 1024
local A_SECOND = 50000 -- questions of redis-benchmark's, which takes a number, no time

return function(context)
  local core = context.cores.client

  local function by_redis_benchmark(server, count)
    local output = child.run({ "redis-benchmark", "-s", server.path, "--csv", "-t", "set,get",
      "-d", BODY, "-c", count, "-n", A_SECOND * context.seconds // 1 }, core)
    return tonumber(output:match '"GET","([%d.]+)"')
  end

  local function by_viesti(server, mode, count)
    local output = child.read(child.run({ context.lua, "bench/redis_work.lua", "--seconds",
      context.seconds, server.path, mode, count }, core))
    return output.requests / output.seconds
  end

  local function report_tasks(report, server, count)
    local limits, gets, hits, ratios = {}, {}, {}, {}
    for round = 1, context.rounds do
      limits[round] = by_redis_benchmark(server, count)
      gets[round] = by_viesti(server, "get", count)
      hits[round] = by_viesti(server, "hit", count)
      ratios[round] = gets[round] / limits[round]
    end
    local function rate(values)
      return measure.number(measure.median(values))
    end
    local ratio = measure.median(ratios)
    report:row(count, rate(limits), rate(gets), measure.two_places(ratio),
      count == TASKS[1] and measure.verdict(">= 0.70", ratio), rate(hits))
  end

  local function report_store()
    local server <close> = require "spec.support.redis_server".start()
    child.pin(server.id, context.cores.server)
    local report = Report.new "1 KiB from a Redis server; redis-benchmark without pipelining"
    report:table("at once", "redis-benchmark /s", "store:get /s", "ratio", "target",
      "a CachingSender's hits /s")
    for _, count in ipairs(TASKS) do
      report_tasks(report, server, count)
    end
    return report
  end

  return { { name = "cache-redis", report = report_store } }
end
