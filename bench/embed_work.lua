-- The Lua side of bench/embed.lua: sends GETs through a chain.
--
--   lua bench/embed_work.lua [--seconds S] CHAIN URL

local Run = require "bench.clock"
local viesti = require "viesti"

local WARM_UP, BETWEEN_LOOKS = 20, 20

local seconds = 1
if arg[1] == "--seconds" then
  seconds = tonumber(arg[2])
  table.move(arg, 3, #arg + 2, 1)
end

local sender = assert(viesti.load(arg[1]))
local url = arg[2]
local run = Run.new({ seconds = seconds }, function() return sender:now() end, WARM_UP,
  BETWEEN_LOOKS)
while not run.over do
  local response = assert(sender:send { url = url })
  if response.status_code ~= 200 or #response.body == 0 or not response.headers["Content-Type"] then
    error "not the expected response"
  end
  run:add()
end
run:print()
