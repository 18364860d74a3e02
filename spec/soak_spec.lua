-- `make soak`, for some seconds: the same chain, the same origin, the same verdict.

local Origins = require "soak.origins"
local process = require "spec.support.process"
local soak = require "soak.soak"
local verdict = require "soak.verdict"
local ways = require "soak.ways"

local PLAIN = (os.getenv "RUN_UNDER" or "") == ""
local REQUESTS = PLAIN and 4000 or 400

describe("A soak of the standard chain at a faulty origin", function()
  local context

  setup(function()
    local build = os.getenv "BUILD" or "build"
    context = { build = build, lua = os.getenv "LUA" or "lua5.4", origins = Origins.start(build),
      every = REQUESTS // 10, entries = 50, forgives_memory = not PLAIN }
  end)

  teardown(function()
    context.origins:stop()
  end)

  for _, way in ipairs(ways) do
    it("leaves nothing behind, " .. way.name, function()
      local outcome = soak.run(way, REQUESTS, context)
      assert.same({}, outcome.wrong)
    end)
  end
end)

describe("The program that soaks", function()
  -- Its memory is judged, which that of a process under valgrind or a sanitizer cannot be.
  local it_plain = PLAIN and it or function() end

  it_plain("shows each report, what came of each kind of request, and its verdict", function()
    local printed = process.run(("env %s %s REQUESTS=%d %s soak/run.lua"):format(
      process.quote("LUA_PATH_5_4=" .. package.path),
      process.quote("LUA_CPATH_5_4=" .. package.cpath), REQUESTS // 4, process.interpreter()))
    for _, way in ipairs(ways) do
      local name = way.name:gsub("%p", "%%%0")
      assert.matches("\n" .. name .. ":\n +%d+ +%d+/s  memory .-  store %d+, .-  cached %d",
        printed)
      assert.matches("\n" .. name .. ": %d+ requests, .-: all well", printed)
    end
    assert.matches("\nwhat came of each kind of request:\n  GET [^\n]+%d", printed)
  end)
end)

describe("The verdict of a soak", function()
  local outcome, tally

  before_each(function()
    outcome = { requests = 100000, reports = {}, cases = { { label = "GET ok", outcome = "200",
      count = 100000 } }, wire = { { name = "ok", attempts = 1001, answered = 1000 } },
      ended = { descriptors_before = 5, descriptors_after = 5, lost = 0, repeated = 0 } }
    for index = 1, 10 do
      outcome.reports[index] = { requests = index * 10000, resident = 20000, lua = 1000,
        bytes = 0 }
    end
    tally = { ok = { requests = 1000, repeated = 0 }, post = { requests = 9, repeated = 0 } }
  end)

  local function promise(text, spoil, sentence)
    it(text, function()
      spoil()
      assert.same({ sentence }, verdict.of(outcome, tally))
    end)
  end

  promise("is nothing where all is well", function()
    outcome.reports[1].resident = 10000 -- before it was warm
    outcome.reports[10].resident = 22000
  end)

  promise("names memory that grows", function()
    outcome.reports[10].resident = 23000
  end, "resident memory has grown by 3000 KiB, from 20000")

  it("lets memory grow by some MiB where few requests were sent", function()
    outcome.requests, outcome.reports[10].requests = 10000, 10000
    for _, growth in ipairs({ 8000, 9000 }) do
      outcome.reports[10].resident = 20000 + growth
      assert.equal(growth > 8192 and 1 or 0, #verdict.of(outcome, tally))
    end
  end)

  promise("lets the store hold more or less", function()
    outcome.reports[10].resident, outcome.reports[10].bytes = 25000, 5000 * 1024
  end)

  promise("names what Lua holds", function()
    outcome.reports[10].lua = 1600
  end, "lua memory has grown by 600 KiB, from 1000")

  promise("names descriptors that are left open", function()
    outcome.ended.descriptors_after = 6
  end, "5 descriptors were open before and 6 are after")

  promise("names requests that do not end once", function()
    outcome.ended.lost = 2
  end, "of 100000 requests 100000 ended, 2 of them never and 0 not once")

  promise("names an outcome that a case must not have", function()
    outcome.cases[2] = { label = "POST post", outcome = "500", count = 3 }
  end, "3 of POST post ended with 500")

  promise("names what arrives twice and must not", function()
    tally.post.repeated = 1
  end, "1 POSTs to post arrived more than once")

  promise("names what reaches the origin and was not sent", function()
    tally.ok.requests = 1002
  end, "ok was sent 1001 times and answered 1000 times, and reached the origin 1002 times")

  promise("names an answer that the origin knows nothing of", function()
    tally.ok.requests = 999
  end, "ok was sent 1001 times and answered 1000 times, and reached the origin 999 times")

  promise("names a process that breaks off", function()
    outcome.ended = nil
  end, "its process did not get to its end")
end)
