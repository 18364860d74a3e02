-- viesti's side of the cache works: Client > CachingSender over a sender that answers by itself.
--
--   lua bench/cache_work.lua [--seconds S] [--count N] [--warm-up N] MODE ENTRIES
--
-- Modes: hit (by a table each time, and on a second line by Requests made before), evict, memory.

local arguments = require "bench.arguments"
local Run = require "bench.clock"
local viesti = require "viesti"

local BODY = '{"title":"An example","text":"' .. ("x"):rep(1024 - 32) .. '"}'
local URL = "http://example.com/things/%d?page=1"
local SAMPLE = 200000 -- URLs that are asked for: many enough to miss every cache of the processor's
local BETWEEN_LOOKS = 1000

local LocalSender = viesti.Sender:extend("LocalSender", {})

function LocalSender:send(request)
  return viesti.Response {
    url = request.url,
    headers = {
      { "Content-Type", "application/json" }, { "Cache-Control", "public, max-age=86400" },
      { "ETag", '"5f3a-1b2c3d4e5f"' },
    },
    body = BODY,
  }
end

local function new_chain(bounds)
  local store = viesti.Store(bounds)
  return viesti.chain {
    viesti.Client {}, viesti.CachingSender { store = store }, LocalSender {},
  }, store
end

local function fill(client, entries)
  for number = 1, entries do
    assert(client:send { url = URL:format(number) })
  end
end

local function sample(entries, make)
  local requests = {}
  for index = 1, math.min(entries, SAMPLE) do
    requests[index] = make { url = URL:format(math.random(entries)) }
  end
  return requests
end

local function measure(options, warm_up, work)
  local clock = LocalSender {}
  local run = Run.new(options, function() return clock:now() end, warm_up, BETWEEN_LOOKS)
  while not run.over do
    work(run.done + 1)
    run:add()
  end
  run:print()
end

local function hit(options, client, make)
  local requests = sample(options.entries, make)
  local count = #requests
  collectgarbage()
  measure(options, count, function(index)
    if not client:send(requests[index % count + 1]).from_cache then
      error("not from the cache", 0)
    end
  end)
end

local modes = {}

function modes.hit(options)
  local client = new_chain()
  fill(client, options.entries)
  hit(options, client, function(request) return request end)
  hit(options, client, viesti.Request)
end

function modes.evict(options)
  local client, store = new_chain { max_size = options.entries }
  fill(client, options.entries)
  measure(options, BETWEEN_LOOKS, function(index)
    assert(client:send { url = URL:format(options.entries + index) })
  end)
  assert(store:stats().evictions > 0)
end

-- What an entry takes, beside what was to be kept of it.
function modes.memory(options)
  local client, store = new_chain()
  fill(client, 1000)
  collectgarbage()
  local resident, bytes = Run.resident(), store:bytes()
  fill(client, options.entries + 1000)
  collectgarbage()
  local response = assert(client:send { url = URL:format(1001) })
  local content = #response.url + #response.body
  for name, value in pairs(response.headers) do
    content = content + (name ~= "Age" and #name + #value or 0)
  end
  print(("resident=%d bytes=%d content=%d"):format(
    (Run.resident() - resident) * 1024 // options.entries,
    (store:bytes() - bytes) // options.entries, content))
end

local options = arguments(arg)
options.entries = assert(math.tointeger(options[2]), "how many entries?")
local mode = modes[options[1]] or error("no such mode: " .. tostring(options[1]), 0)
mode(options)
