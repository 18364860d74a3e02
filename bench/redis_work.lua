-- The store on a Redis server works, for bench/redis.lua:
--
--   lua bench/redis_work.lua --seconds S PATH-OF-SOCKET get|hit TASKS
--
-- get: the store alone. hit: a chain's hits in it.

local core = require "viesti.core"
local redis = require "viesti.redis"
local Run = require "bench.clock"
local viesti = require "viesti"

local URL = "http://127.0.0.1:9/"
local LITTLE = 20

local _, seconds, path, mode, count = table.unpack(arg)
local store <close> = redis { unix_socket = path, key_prefix = "bench:" }

local Origin = viesti.Sender:extend "Origin"
Origin.is_async = true

function Origin:send(request)
  return viesti.Response { url = viesti.Request.from(request).url, status_code = 200,
    headers = { ["Cache-Control"] = "max-age=3600" }, content = ("x"):rep(1024) }
end

local chain = viesti.CachingSender { store = store, sender = Origin() }
assert(chain:send { url = URL })

local modes = {
  get = function() assert(store:get(URL)[1]) end,
  hit = function() assert(chain:send({ url = URL }).from_cache) end,
}

local act = assert(modes[mode], "no such mode")
local run = Run.new({ seconds = tonumber(seconds) }, core.now, LITTLE * tonumber(count), LITTLE)

local function work()
  while not run.over do
    act()
    run:add()
  end
end

viesti.run(function()
  local tasks = {}
  for index = 1, tonumber(count) do
    tasks[index] = viesti.spawn(work)
  end
  for _, task in ipairs(tasks) do
    task:join()
  end
end)
assert(store:stats().errors == 0)
run:print()
