-- What the transport is measured by: see bench/compare.lua for the form. Targets are ratios to the
-- plain program.

local child = require "bench.child"
local compare = require "bench.compare"

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
      { title = ("%d at once"):format(count), target = ">= 0.90",
        words = viesti(urls.small, "many", count) },
    }
    -- Without a limit of its own; and as docs/async.md advises for thousands of tasks.
    if more.unlimited then
      local words = { "--connections", count, urls.small, "many", count }
      viesti_variants[2] = { title = "  a connection each", words = viesti(table.unpack(words)) }
      viesti_variants[3] = { title = "  each, incremental collector",
        words = viesti("--collector", "incremental", table.unpack(words)) }
    end
    return {
      name = "many" .. count,
      most_rounds = more.most_rounds,
      instructions = more.instructions,
      best = true,
      plain = {
        { title = "poll", words = plain(urls.small, "many", count) },
        { title = "epoll", words = plain(urls.small, "many-epoll", count) },
        more.same_fields and { title = "epoll, same fields",
          words = plain("--same-fields", urls.small, "many-epoll", count) },
      },
      viesti = viesti_variants,
    }
  end

  -- 100 MiB, piece by piece.
  local function piecewise(mode, title)
    local file = server.directory .. "/saved"
    return {
      name = mode,
      most_rounds = FEW,
      scale = server.LARGE / MEBIBYTE,
      plain = { { words = plain("--file", file, urls.large, mode) } },
      viesti = {
        { title = title, target = ">= 1.20", words = viesti("--file", file, urls.large, mode) },
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
    print(("garbage: after %d and %d sync requests"):format(first.requests, last.requests))
    compare.note("Lua's memory %.1f and %.1f KiB, resident %d and %d KiB (target: flat)",
      first.lua, last.lua, first.resident, last.resident)
    compare.note("%d bytes of Lua's memory per request until it is collected", each.garbage)
  end

  return {
    {
      name = "sync",
      same_core = true,
      plain = {
        { words = plain(urls.small, "sync") },
        { title = "same fields", words = plain("--same-fields", urls.small, "sync") },
      },
      viesti = {
        { title = "sync, 1 KiB", target = ">= 0.95", instructions_target = 1.05,
          words = viesti(urls.small, "sync") },
        { title = "sync, a Request made once", words = viesti(urls.small, "prepared") },
      },
      instructions = LENGTHS,
    },
    many(100, { instructions = LENGTHS, same_fields = true }),
    many(1000, { unlimited = true }),
    many(4000, { most_rounds = FEW, unlimited = true }),
    {
      name = "h2",
      plain = { { words = plain("--ca", server.ca, urls.tls, "h2", 100) } },
      viesti = {
        { title = "HTTP/2 over TLS, 100 streams", target = ">= 0.88",
          words = viesti("--ca", server.ca, urls.tls, "h2", 100) },
      },
    },
    {
      name = "large",
      most_rounds = FEW,
      scale = server.LARGE / MEBIBYTE,
      peak_of = server.LARGE,
      plain = { { words = plain(urls.large, "large") } },
      viesti = {
        { title = "100 MiB held in C, MiB", target = ">= 1.20", peak_target = 1.1,
          words = viesti(urls.large, "large") },
        { title = "100 MiB as a Lua string, MiB", target = ">= 0.55", peak_target = 2.1,
          words = viesti(urls.large, "large-string") },
      },
    },
    piecewise("stream", "100 MiB in chunks, MiB"),
    piecewise("file", "100 MiB to a file, MiB"),
    {
      name = "tls",
      plain = { { words = plain("--ca", server.ca, urls.closing, "tls") } },
      viesti = {
        { title = "a new TLS connection each", target = "cpu 1.10",
          words = viesti("--ca", server.ca, urls.closing, "tls") },
      },
    },
    { name = "garbage", report = garbage },
  }
end
