-- The driver of `make bench`: starts nginx, has one work after the other measured and reported, and
-- writes all of that down in sections, for tools/performance. In the environment:
--   ROUNDS=5  SECONDS=0.7 (each run)  ONLY=sync,many100 (these works)  RECORD=build/bench.md

local Server = require "bench.server"
local child = require "bench.child"
local compare = require "bench.compare"
local machine = require "bench.machine"
local process = require "spec.support.process"
local record = require "bench.record"
local works = require "bench.works"

local function setting(name, default)
  return tonumber(os.getenv(name) or default) or error(name .. " must be a number", 0)
end

local function read_context(server)
  local cores = child.cores()
  return {
    server = server,
    rounds = math.max(1, setting("ROUNDS", 5) // 1),
    seconds = setting("SECONDS", 0.7),
    build = os.getenv "BUILD" or "build",
    lua = process.interpreter(),
    cores = { server = cores[1], client = cores[#cores] },
  }
end

local function write_report(file, name, report)
  local text = tostring(report)
  print(("\n## %s\n\n%s"):format(name, text))
  assert(file:write(record.section(name, text), "\n"))
end

-- Progress, where the tables are not.
local function tell(...)
  io.stderr:write(string.format(...))
end

-- False if one failed, which is told and left out.
local function run_works(selected, context, file)
  local all_well, begun = true, os.time()
  for index, work in ipairs(selected) do
    tell("[%d/%d after %d s] %s ...\n", index, #selected, os.time() - begun, work.name)
    local ok, report = pcall(work.report or compare.run, work, context)
    if ok then
      write_report(file, work.name, report)
    elseif tostring(report):find "interrupted!" then
      error(report, 0)
    else
      all_well = false
      print(("\n## %s\n\nFAILED: %s"):format(work.name, report))
    end
  end
  tell("[%d s in all]\n", os.time() - begun)
  return all_well
end

local function main()
  io.stdout:setvbuf "line"
  local server <close> = Server.start()
  local context = read_context(server)
  local selected = works.select(context, os.getenv "ONLY" or "")
  local path = os.getenv "RECORD" or context.build .. "/bench.md"
  local file <close> = assert(io.open(path, "w"))
  write_report(file, "machine", machine(context))
  local all_well = run_works(selected, context, file)
  tell("[written to %s]\n", path)
  return all_well
end

local ok, result = pcall(main)
if not ok then
  io.stderr:write("bench: ", tostring(result), "\n")
end
os.exit(ok and result, true)
