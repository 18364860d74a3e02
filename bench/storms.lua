-- What becomes of many requests to a server in trouble: a table of requests on the wire for one of
-- those who asked.

local nginx = require "spec.support.nginx"
local origin = require "spec.support.origin"
local storm = require "spec.support.storm"
local viesti = require "viesti"

local QUICK = { base = 0.001, cap = 0.01 }
local REQUESTS, TASKS = 300, 30
local HERD = 50

local function print_line(title, logical, wire, outcome)
  local ends = {}
  for name, count in pairs(outcome.by) do
    ends[#ends + 1] = ("%d x %s"):format(count, name)
  end
  table.sort(ends)
  print(("  %-44s %6d %6d %6.2f   %s"):format(title, logical, wire, wire / logical,
    table.concat(ends, ", ")))
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

local function report_failing(server)
  for _, case in ipairs(FAILING) do
    server:reset()
    server:route("/x", { status = 503 })
    local chain = case[2]()
    chain[#chain + 1] = viesti.AsyncSender()
    local sender <close> = viesti.chain(chain)
    local outcome = storm.run(sender, function()
      return { url = server.url .. "/x" }
    end, REQUESTS, TASKS)
    print_line("only 503: " .. case[1], REQUESTS, server:count "/x", outcome)
  end
end

local function report_limited(web)
  for _, shared in ipairs { false, true } do
    local sender <close> = viesti.RetryingSender { backoff = QUICK, sender = viesti.AsyncSender(),
      rate_limit = { shared = shared, pad = 0 } }
    local before = web:requests()
    local outcome = storm.run(sender, function()
      return { url = web.url .. "/storm" }
    end, HERD, HERD)
    print_line("30/s, else 429: " .. (shared and "a cooldown" or "each waits by itself"), HERD,
      web:requests() - before, outcome)
    viesti.sleep(1)
  end
end

-- POSTs whose connection breaks, or that are not done: those that reached the server twice.
local function report_posts(server)
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
  print_line(("POSTs, %d of them twice"):format(twice), REQUESTS, wire, outcome)
end

local function report()
  local server <close> = origin.start()
  local web <close> = nginx.start { http = storm.http, locations = storm.locations }
  print "storms: many requests to a server in trouble"
  print(("  %-44s %6s %6s %6s   %s"):format("", "asked", "wire", "ratio", "ended"))
  report_failing(server)
  report_limited(web)
  report_posts(server)
end

return function()
  return { { name = "storms", report = report } }
end
