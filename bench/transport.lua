-- What the transport is measured by: see bench/compare.lua for the form. Targets are ratios to the
-- plain program.

local Report = require "bench.report"
local child = require "bench.child"
local measure = require "bench.measure"

local MEBIBYTE = 1024 * 1024
local LENGTHS = { 300, 1300 }
local FEW = 3 -- rounds, for what takes long

return function(context)
  local server = context.server
  local urls = server.urls

  local function plain(...)
    return { context.build .. "/bench/plain", ... }
  end

  local function viesti(...)
    return { context.lua, "bench/work.lua", ... }
  end

  local function many(count, more)
    local viesti_variants = {
      { title = more.unlimited and "256 connections" or "as it is", target = ">= 0.90",
        words = viesti(urls.small, "many", count) },
    }
    -- Without a limit of its own; and as docs/async.md advises for thousands of tasks.
    if more.unlimited then
      local words = { "--connections", count, urls.small, "many", count }
      viesti_variants[2] = { title = "a connection each", words = viesti(table.unpack(words)) }
      viesti_variants[3] = { title = "each, incremental collector",
        words = viesti("--collector", "incremental", table.unpack(words)) }
    end
    return {
      name = "many" .. count,
      title = ("%s GETs of 1 KiB at once, a task each, over HTTP/1.1"):format(
        count < 1000 and count or measure.number(count)),
      most_rounds = more.most_rounds,
      instructions = more.instructions,
      best = true,
      plain = {
        { title = "curl_multi_poll", words = plain(urls.small, "many", count) },
        { title = "epoll", words = plain(urls.small, "many-epoll", count) },
        more.same_fields and { title = "epoll, same fields",
          words = plain("--same-fields", urls.small, "many-epoll", count) },
      },
      viesti = viesti_variants,
    }
  end

  -- 100 MiB, piece by piece.
  local function piecewise(name, title, url, file)
    return {
      name = name,
      title = title,
      most_rounds = FEW,
      scale = server.LARGE / MEBIBYTE,
      unit = "MiB/s",
      peak_limit = "< 16",
      plain = { { title = "as it is", words = plain("--file", file, url, name) } },
      viesti = {
        { title = "as it is", target = name ~= "upload" and ">= 1.20",
          words = viesti("--file", file, url, name) },
      },
    }
  end

  local function garbage()
    local output = child.run(viesti("--count", 100000, urls.small, "garbage"), context.cores.client)
    local reads = {}
    for line in output:gmatch "[^\n]+" do
      reads[#reads + 1] = child.read(line)
    end
    local first, last, each = table.unpack(reads)
    local report = Report.new "What many sync GETs leave behind (target: flat)"
    report:table("after", "Lua's memory, KiB", "resident, KiB")
    for _, read in ipairs { first, last } do
      report:row(measure.number(read.requests), measure.number(read.lua),
        measure.number(read.resident))
    end
    report:note("%d bytes of Lua's memory a request, until they are collected.", each.garbage)
    return report
  end

  local function queue()
    local report = Report.new "10,000 tasks at once that send to one server over 256 connections"
    report:table("tasks", "seconds", "cpu", "KiB a task at the peak", "peak MiB")
    for _, count in ipairs { 1000, 10000 } do
      local values = child.read(child.run(viesti("--count", count, urls.small, "queue"),
        context.cores.client))
      report:row(measure.number(count), measure.two_places(values.seconds),
        measure.duration(values.cpu / count), measure.number((values.peak - values.before) / count),
        measure.number(values.peak / 1024))
    end
    return report
  end

  return {
    {
      name = "sync",
      title = "One GET of 1 KiB after the other over a kept connection, both sides on one core",
      same_core = true,
      plain = {
        { title = "as it is", words = plain(urls.small, "sync") },
        { title = "same fields", words = plain("--same-fields", urls.small, "sync") },
      },
      viesti = {
        { title = "a table each time", target = ">= 0.95", instructions_target = "<= 1.05",
          words = viesti(urls.small, "sync") },
        { title = "a Request made once", words = viesti(urls.small, "prepared") },
      },
      instructions = LENGTHS,
    },
    many(100, { instructions = LENGTHS, same_fields = true }),
    many(1000, { unlimited = true }),
    many(4000, { most_rounds = FEW, unlimited = true }),
    { name = "queue", report = queue },
    {
      name = "h2",
      title = "100 GETs of 1 KiB at once over one connection of HTTP/2 with TLS",
      plain = { { title = "as it is", words = plain("--ca", server.ca, urls.tls, "h2", 100) } },
      viesti = {
        { title = "as it is", target = ">= 0.88",
          words = viesti("--ca", server.ca, urls.tls, "h2", 100) },
      },
    },
    {
      name = "large",
      title = "A body of 100 MiB, kept in memory",
      most_rounds = FEW,
      scale = server.LARGE / MEBIBYTE,
      unit = "MiB/s",
      peak_of = server.LARGE,
      plain = { { title = "plain", words = plain(urls.large, "large") } },
      viesti = {
        { title = "held in C", target = ">= 1.20", peak_target = "<= 1.10",
          words = viesti(urls.large, "large") },
        { title = "as a Lua string", target = ">= 0.55", peak_target = "<= 2.10",
          words = viesti(urls.large, "large-string") },
      },
    },
    piecewise("stream", "A body of 100 MiB in chunks", urls.large, server.directory .. "/saved"),
    piecewise("file", "A body of 100 MiB into a file", urls.large, server.directory .. "/saved"),
    piecewise("upload", "A PUT of 100 MiB out of a file", urls.taking,
      server.directory .. "/files/large"),
    {
      name = "tls",
      title = "A GET of 1 KiB over a new TLS connection each time",
      plain = { { title = "as it is", words = plain("--ca", server.ca, urls.closing, "tls") } },
      viesti = {
        { title = "as it is", cpu_target = "<= 1.10",
          words = viesti("--ca", server.ca, urls.closing, "tls") },
      },
    },
    { name = "garbage", report = garbage },
  }
end
