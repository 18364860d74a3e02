-- viesti beside what people use now, each in the language it is used from: the same GETs of the
-- same nginx in the same rounds. Who is not installed is left out, with a sentence.

local Report = require "bench.report"
local child = require "bench.child"
local measure = require "bench.measure"

local AT_ONCE = 100
local PYTHONS = { "python3", "/usr/bin/python3" } -- the first may be another than the system's

local MODES = {
  { name = "one", url = "small", same_core = true },
  { name = "many", url = "small" },
  { name = "cached", url = "fresh", same_core = true },
}

return function(context)
  -- viesti's modes are called otherwise in bench/work.lua.
  local peers = {
    { "viesti", "Lua", { { context.lua, "bench/work.lua" } },
      modes = { one = "sync", many = "many", cached = "cached" } },
    { "lua-http", "Lua", { { context.lua, "bench/peers/lua_http.lua" } },
      modes = { one = "one", many = "many" } },
    { "LuaSocket", "Lua", { { context.lua, "bench/peers/luasocket.lua" } },
      modes = { one = "one" } },
    { "fetch (undici)", "JavaScript", { { "node", "bench/peers/fetch.mjs" } },
      modes = { one = "one", many = "many" } },
    { "httpx", "Python", measure.each(PYTHONS, function(python)
      return { python, "-B", "bench/peers/httpx_client.py" }
    end), modes = { one = "one", many = "many" } },
    { "CacheControl, requests", "Python", measure.each(PYTHONS, function(python)
      return { python, "-B", "bench/peers/cachecontrol_client.py" }
    end), modes = { cached = "cached" } },
  }

  local function with(words, ...)
    return table.move({ ... }, 1, select("#", ...), #words + 1, table.move(words, 1, #words, 1, {}))
  end

  -- The words that run a peer here, and its version; nil where there is none.
  local function find(candidates)
    for _, words in ipairs(candidates) do
      local ok, output = pcall(child.run, with(words, "--version"), context.cores.client)
      if ok then
        return words, output:match "%S+"
      end
    end
  end

  local function present(report)
    local list = {}
    for _, peer in ipairs(peers) do
      peer.words, peer.version = find(peer[3])
      if peer.words then
        list[#list + 1] = peer
      else
        report:note("Without %s: it is not installed.", peer[1])
      end
    end
    return list
  end

  local function sample(list, mode)
    child.pin(context.server.id, mode.same_core and context.cores.client or context.cores.server)
    for _ = 1, context.rounds do
      for _, peer in ipairs(list) do
        local name = peer.modes[mode.name]
        if name then
          local values = child.read(child.run(with(peer.words, "--seconds", context.seconds,
            context.server.urls[mode.url], name, AT_ONCE), context.cores.client))
          local samples = peer[mode.name] or { rates = {}, cpus = {} }
          peer[mode.name] = samples
          table.insert(samples.rates, values.requests / values.seconds)
          table.insert(samples.cpus, values.cpu / values.requests)
        end
      end
    end
  end

  local function cells(peer, mode)
    local samples = peer[mode]
    if not samples then
      return "-", "-"
    end
    return measure.number(measure.median(samples.rates)),
      measure.duration(measure.median(samples.cpus))
  end

  local function report_peers()
    local report = Report.new(("GETs of 1 KiB from one nginx: one after the other, %d at once, "
      .. "and hits of a cache"):format(AT_ONCE))
    local list = present(report)
    for _, mode in ipairs(MODES) do
      sample(list, mode)
    end
    report:table("client", "version", "for", "one by one /s", "cpu each", AT_ONCE .. " at once /s",
      "cpu each", "hits /s", "cpu each")
    for _, peer in ipairs(list) do
      local one_rate, one_cpu = cells(peer, "one")
      local many_rate, many_cpu = cells(peer, "many")
      report:row(peer[1], peer.version, peer[2], one_rate, one_cpu, many_rate, many_cpu,
        cells(peer, "cached"))
    end
    return report
  end

  return { { name = "peers", report = report_peers } }
end
