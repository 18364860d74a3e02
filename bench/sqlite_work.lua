-- viesti's side of cache-sqlite.
--
--   lua bench/sqlite_work.lua [--seconds S] [--count N] [--warm-up N] MODE ENTRIES
--
-- Modes: get (of the store alone), hit (Client > CachingSender), put (each makes another go).

local arguments = require "bench.arguments"
local process = require "spec.support.process"
local Run = require "bench.clock"
local sqlite = require "viesti.sqlite"
local viesti = require "viesti"

local BODY = ("x"):rep(1024)
local URL = "http://example.com/things/%d?page=1"
local BETWEEN_LOOKS = 100

local LocalSender = viesti.Sender:extend("LocalSender", {})

function LocalSender:send(request)
  return viesti.Response { url = request.url, body = BODY,
    headers = { { "Cache-Control", "public, max-age=86400" } } }
end

local modes = {}

function modes.get(store, _, entries)
  if not store:get(URL:format(math.random(entries)))[1] then
    error("not from the file", 0)
  end
end

function modes.hit(_, client, entries)
  if not client:send { url = URL:format(math.random(entries)) }.from_cache then
    error("not from the file", 0)
  end
end

function modes.put(store, _, entries, index)
  store:put(URL:format(entries + index), "", BODY, { seconds = 1000 })
end

local function measure(options, store, client)
  local clock, work = LocalSender {}, modes[options[1]]
  local run = Run.new(options, function() return clock:now() end, 1000, BETWEEN_LOOKS)
  while not run.over do
    work(store, client, options[2], run.done + 1)
    run:add()
  end
  run:print()
  local errors = store:stats().errors
  if errors > 0 then
    error(("%d errors: %s"):format(errors, store:stats().last_error), 0)
  end
end

local options = arguments(arg)
local directory = process.temporary_directory()
local store = sqlite { path = directory .. "/cache.db", max_size = options[2] }
local client = viesti.chain {
  viesti.Client {}, viesti.CachingSender { store = store }, LocalSender {},
}
local ok, reason = pcall(function()
  for number = 1, options[2] do
    assert(client:send { url = URL:format(number) })
  end
  measure(options, store, client)
end)
store:close()
process.run("rm -r " .. process.quote(directory))
if not ok then
  error(reason, 0)
end
