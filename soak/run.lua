-- Sends a million requests (REQUESTS) through the standard chain to a faulty origin, and shows that
-- nothing is left behind. `make soak` runs it; the exit status says whether all was well.

local Origins = require "soak.origins"
local soak = require "soak.soak"
local tables = require "soak.tables"
local verdict = require "soak.verdict"
local ways = require "soak.ways"

local REPORTS = 40   -- in all
local ENTRIES = 1000 -- of the store; fewer where there are few requests to fill it
local FEWEST = 100

local function read_requests()
  local given = os.getenv "REQUESTS" or "1000000"
  local requests = math.tointeger(tonumber(given))
  if not requests or requests < FEWEST then
    error(("REQUESTS must be a whole number from %d on, it is %q"):format(FEWEST, given), 0)
  end
  return requests
end

local function main()
  io.stdout:setvbuf "line"
  local requests = read_requests()
  local build = os.getenv "BUILD" or "build"
  local origins <close> = Origins.start(build)
  local context = { build = build, lua = os.getenv "LUA" or "lua5.4", origins = origins,
    every = math.max(requests // REPORTS, 1),
    entries = math.max(math.min(requests // 100, ENTRIES), 1) }
  local outcomes, well = {}, true
  for _, way in ipairs(ways) do
    print(("\n%s:"):format(way.name))
    local outcome = soak.run(way, requests * way.part // 1 | 0, context, tables.print_report)
    outcomes[#outcomes + 1] = outcome
    well = well and #outcome.wrong == 0
  end
  tables.print_cases(outcomes)
  tables.print_verdict(outcomes, verdict.warm_reports)
  return well
end

local ok, result = pcall(main)
if not ok then
  io.stderr:write("soak: ", tostring(result), "\n")
end
os.exit(ok and result, true)
