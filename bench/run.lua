-- The driver of `make bench`: starts nginx, has viesti and a plain C program on the same libcurl do
-- the same works alternately, and prints medians and ratios. In the environment:
--   ROUNDS=5  SECONDS=0.7 (each run)  ONLY=sync,many100 (these works)

local child = require "bench.child"
local compare = require "bench.compare"
local process = require "spec.support.process"
local Server = require "bench.server"
local viesti = require "viesti"

local GROUPS = {
  "bench.transport", "bench.cache", "bench.sqlite", "bench.redis", "bench.layers", "bench.storms",
  "bench.embed",
}
local IDLE = 0.5

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

-- All works of all groups, or those of ONLY.
local function select_works(context)
  local works, names, wanted = {}, {}, {}
  for name in (os.getenv "ONLY" or ""):gmatch "[^,%s]+" do
    wanted[name] = true
  end
  local all = next(wanted) == nil
  for _, group in ipairs(GROUPS) do
    for _, work in ipairs(require(group)(context)) do
      names[#names + 1] = work.name
      if all or wanted[work.name] then
        works[#works + 1] = work
      end
      wanted[work.name] = nil
    end
  end
  if next(wanted) then
    error(("ONLY: there is no %s; there are %s"):format(next(wanted), table.concat(names, ", ")), 0)
  end
  return works
end

local function introduce(context)
  local cores = context.cores
  local nginx = process.run [[env PATH="$PATH:/usr/sbin:/usr/local/sbin" nginx -v]]
  print(("viesti %s and a plain C program, both on libcurl %s, against %s"):format(
    viesti.VERSION, viesti.CURL_VERSION, nginx:match "nginx/%S+"))
  print(("%d rounds of %.1f s, alternately; medians, and the ratios of single rounds in brackets")
    :format(context.rounds, context.seconds))
  if child.has_taskset then
    print(("sync: both on core %d; otherwise the server on core %d, the client on core %d"):format(
      cores.client, cores.server, cores.client))
  else
    print "without taskset: on whatever cores the system chooses"
  end
  print "Fields: plain sends Host and Accept; viesti, and plain where it says \"same fields\","
  print "  also User-Agent and Accept-Encoding. The response is 1 KiB unless said otherwise."
  print(("TLS: both are given one file of authorities (%d) and no directory; sessions may resume")
    :format(context.server.authorities + 1))
  if (child.load() or 0) > IDLE then
    print(("Others use this system too (load %.1f): cpu ratios say more than rates"):format(
      child.load()))
  end
  if not child.has_valgrind then
    print "without valgrind: no instructions are counted"
  end
  print ""
end

local function run_works(works, context)
  local failed = false
  local line = compare.table()
  for _, work in ipairs(works) do
    local report = work.report or compare.run
    local ok, reason = pcall(report, work, context, line)
    if not ok and tostring(reason):find "interrupted!" then
      error(reason, 0)
    elseif not ok then
      failed = true
      print(("%s: FAILED: %s"):format(work.name, reason))
    end
  end
  return not failed
end

local function main()
  io.stdout:setvbuf "line"
  local server <close> = Server.start()
  local context = read_context(server)
  local works = select_works(context)
  introduce(context)
  return run_works(works, context)
end

local ok, result = pcall(main)
if not ok then
  io.stderr:write("bench: ", tostring(result), "\n")
end
os.exit(ok and result, true)
