-- What a run was made on and with, as the first section of what it writes down.

local Report = require "bench.report"
local child = require "bench.child"
local process = require "spec.support.process"
local viesti = require "viesti"

local IDLE = 0.5

local VERSIONS = {
  { "Lua", function() return process.run(process.interpreter() .. " -v"):match "[%d.]+" end },
  { "libcurl", function() return viesti.CURL_VERSION end },
  { "nginx", function()
    return process.run [[env PATH="$PATH:/usr/sbin:/usr/local/sbin" nginx -v]]:match "nginx/(%S+)"
  end },
  { "redis-server", function() return process.run "redis-server --version":match "v=(%S+)" end },
  { "SQLite", function() return process.run "pkg-config --modversion sqlite3" end },
  { "compiler", function()
    return process.run((os.getenv "CC" or "cc") .. " --version"):match "[^\n]+"
  end },
}

local function processor()
  local file <close> = io.open "/proc/cpuinfo"
  return file and file:read "a":match "model name%s*:%s*([^\n]+)"
end

local function cores_of(context)
  if not child.has_taskset then
    return "whichever the system chooses"
  end
  return ("server on %d, client on %d; both on %d where it says so"):format(
    context.cores.server, context.cores.client, context.cores.client)
end

local function report_load(report)
  local load = child.load() or 0
  report:row("load before", ("%.1f"):format(load))
  if load > IDLE then
    report:note "Others used this system too: ratios of cpu say more than rates."
  end
end

return function(context)
  local report = Report.new(("One run of `make bench`, viesti %s, %s"):format(
    viesti.VERSION, os.date "!%Y-%m-%d"))
  report:table("what", "which")
  report:row("rounds", ("%d of %.1f s, alternately; medians"):format(
    context.rounds, context.seconds))
  report:row("processor", processor())
  report:row("cores to run on", #child.cores())
  report:row("of them", cores_of(context))
  for _, version in ipairs(VERSIONS) do
    local ok, text = pcall(version[2])
    report:row(version[1], ok and text or "not here")
  end
  report_load(report)
  if not child.has_valgrind then
    report:note "Without valgrind: no instructions are counted."
  end
  return report
end
