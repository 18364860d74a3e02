-- What becomes of many requests to a server in trouble, or for one thing: requests on the wire for
-- one of those who asked.

local Report = require "bench.report"
local measure = require "bench.measure"
local nginx = require "spec.support.nginx"
local origin = require "spec.support.origin"
local storm = require "spec.support.storm"
local viesti = require "viesti"

local QUICK = { base = 0.001, cap = 0.01 }
local REQUESTS, TASKS = 300, 30
local HERD, LARGE_HERD = 50, 1000
local SLOWLY = 0.1

local function add_row(report, title, logical, wire, outcome, limit)
  local ends = {}
  for name, count in pairs(outcome.by) do
    ends[#ends + 1] = ("%d x %s"):format(count, name)
  end
  table.sort(ends)
  report:row(title, logical, wire, measure.ratio(wire, logical), table.concat(ends, ", "),
    limit and measure.verdict(limit, wire))
end

local function retrying(options)
  options.retries, options.backoff = 3, QUICK
  return viesti.RetryingSender(options)
end

local function breaker()
  return viesti.CircuitBreakingSender { minimum = 10, open_for = 60 }
end

-- A server that answers nothing but 503.
local FAILING = {
  { "no layers", function() return {} end },
  { "three retries", function() return { retrying {} } end },
  { "three retries, a budget",
    function() return { retrying { budget = viesti.RetryBudget() } } end },
  { "three retries, a breaker", function() return { retrying {}, breaker() } end },
  { "three retries, a budget, a breaker",
    function() return { retrying { budget = viesti.RetryBudget() }, breaker() } end },
}

local function report_failing(report, server)
  for _, case in ipairs(FAILING) do
    server:reset()
    server:route("/x", { status = 503 })
    local chain = case[2]()
    chain[#chain + 1] = viesti.AsyncSender()
    local sender <close> = viesti.chain(chain)
    local outcome = storm.run(sender, function()
      return { url = server.url .. "/x" }
    end, REQUESTS, TASKS)
    add_row(report, "only 503: " .. case[1], REQUESTS, server:count "/x", outcome)
  end
end

local function report_limited(report, web)
  for _, shared in ipairs { false, true } do
    local sender <close> = viesti.RetryingSender { backoff = QUICK, sender = viesti.AsyncSender(),
      rate_limit = { shared = shared, pad = 0 } }
    local before = web:requests()
    local outcome = storm.run(sender, function()
      return { url = web.url .. "/storm" }
    end, HERD, HERD)
    add_row(report, "30/s, else 429: " .. (shared and "a cooldown" or "each waits by itself"), HERD,
      web:requests() - before, outcome)
    viesti.sleep(1)
  end
end

-- POSTs whose connection breaks, or that are not done: those that reached the server twice.
local function report_posts(report, server)
  local ends = { { reset = true }, { status = 503 }, { body = "ok" } }
  server:reset()
  for number = 1, REQUESTS do
    server:route("/post?" .. number, { ends[number % #ends + 1], { body = "again" } })
  end
  local sender <close> = viesti.chain { retrying {}, viesti.AsyncSender() }
  local outcome = storm.run(sender, function(number)
    return { method = "POST", url = server.url .. "/post?" .. number, content = "x" }
  end, REQUESTS, TASKS)
  local wire, twice = 0, 0
  for number = 1, REQUESTS do
    local count = server:count("/post?" .. number)
    wire, twice = wire + count, twice + (count > 1 and 1 or 0)
  end
  add_row(report, "a third reset, a third 503: POSTs", REQUESTS, wire, outcome)
  report:note("POSTs that came to the server twice: %d (target 0).", twice)
end

-- Many tasks that ask for the same thing, which is not in the cache.
local function report_cold(report, server)
  server:reset()
  server:route("/cold", { body = "x", delay = SLOWLY,
    headers = { { "Cache-Control", "max-age=60" } } })
  local sender <close> = viesti.chain { viesti.CachingSender {}, viesti.AsyncSender {} }
  local outcome = storm.run(sender, function()
    return { url = server.url .. "/cold" }
  end, LARGE_HERD, LARGE_HERD)
  add_row(report, "a cold entry of a cache", LARGE_HERD, server:count "/cold", outcome, "<= 1")
end

local function report_storms()
  local server <close> = origin.start()
  local web <close> = nginx.start { http = storm.http, locations = storm.locations }
  local report = Report.new "Many requests at once, to a server in trouble or for one cold entry"
  report:table("what it answers: what is asked", "asked", "on the wire", "ratio", "ended", "target")
  report_failing(report, server)
  report_limited(report, web)
  report_cold(report, server)
  report_posts(report, server)
  return report
end

return function()
  return { { name = "storms", report = report_storms } }
end
