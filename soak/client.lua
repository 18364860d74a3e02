-- One way of sending, in a process of its own, from its first request to the last:
--
--   lua soak/client.lua --requests N --every N --entries N --at-once N
--     --port P --secure URL --ca FILE
--
-- The store keeps so many `entries`. There are `at-once` tasks; 0: one request after the other,
-- blocking. Prints what line.lua says.

local Ledger = require "soak.ledger"
local actions = require "soak.actions"
local arguments = require "bench.arguments"
local cases = require "soak.cases"
local line = require "soak.line"
local process_state = require "soak.process_state"
local viesti = require "viesti"

local MEBIBYTE = 1024 * 1024

local function request_for(case, number, places)
  return {
    method = case.method,
    url = cases.base(case, places) .. (case.distinct and number % case.distinct or number),
    headers = case.variants and { ["X-Variant"] = tostring(number % case.variants) },
    content = case.method == "POST" and "once" or nil,
    timeout = case.timeout,
  }
end

local function report(soak)
  collectgarbage()
  collectgarbage()
  local stats = soak.store:stats()
  line.print("report", { "requests", soak.ledger.done, "seconds",
    ("%.1f"):format(soak.client:now() - soak.started), "cached", soak.ledger.cached,
    "resident", process_state.resident_kib(), "lua", collectgarbage "count" // 1 | 0,
    "descriptors", process_state.descriptors(), "threads", process_state.threads(),
    "entries", stats.count, "bytes", stats.bytes }, soak.ledger.by)
end

local function perform(soak, number)
  local case = soak.cycle[number % #soak.cycle + 1]
  soak.ledger:begin(number)
  soak.ledger:finish(number, case, actions[case.act or "send"](soak.client,
    request_for(case, number, soak.options)))
  if soak.ledger.done % soak.options.every == 0 then
    report(soak)
  end
end

local function perform_all(soak)
  for number = 1, soak.options.requests do
    perform(soak, number)
  end
end

local function perform_at_once(soak, tasks)
  local last = 0
  local function work()
    while last < soak.options.requests do
      last = last + 1
      perform(soak, last)
    end
  end
  viesti.run(function()
    local list = {}
    for index = 1, tasks do
      list[index] = viesti.spawn(work)
    end
    for _, task in ipairs(list) do
      task:join()
    end
  end)
end

local function print_end(soak, descriptors_before)
  local ledger = soak.ledger
  for label, outcomes in pairs(ledger.cases) do
    for outcome, count in pairs(outcomes) do
      line.print("case", { "outcome", outcome, "count", count, "label", label })
    end
  end
  for name, wire in pairs(ledger.wire) do
    line.print("wire", { "name", name }, wire)
  end
  line.print("end", { "descriptors_before", descriptors_before, "descriptors_after",
    process_state.descriptors(), "lost", ledger:lost(), "repeated", ledger.repeated })
end

local function main()
  local options = arguments(arg)
  local at_once = options["at-once"]
  viesti.loop() -- it has descriptors for good
  local descriptors_before = process_state.descriptors()
  local ledger = Ledger.new()
  local store = viesti.Store { max_size = options.entries, max_bytes = 16 * MEBIBYTE }
  local soak = { options = options, ledger = ledger, store = store }
  soak.client = assert(viesti.load("soak/chain.lua", {
    asynchronous = at_once > 0,
    port = options.port,
    ca = options.ca,
    store = store,
    on_event = function(name, span)
      ledger:on_event(name, span)
    end,
  }))
  soak.started = soak.client:now()
  soak.cycle = cases.cycle(cases.ways[at_once > 0 and "in_tasks" or "blocking"])
  if at_once > 0 then
    perform_at_once(soak, at_once)
  else
    perform_all(soak)
  end
  if ledger.done % options.every ~= 0 then
    report(soak)
  end
  soak.client:close()
  store:clear()
  collectgarbage()
  print_end(soak, descriptors_before)
end

main()
