-- viesti's side of the transport works, through its public interface; bench/plain.c has the same.
--
--   lua bench/work.lua [--seconds S] [--count N] [--warm-up N] [--ca FILE] [--file FILE]
--     [--connections N] [--collector generational|incremental] URL MODE [AT-ONCE]
--   lua bench/work.lua --version
--
-- Modes: sync, prepared, many, queue, h2, large, large-string, stream, file, upload, tls, garbage,
-- cached.

local arguments = require "bench.arguments"
local Run = require "bench.clock"
local viesti = require "viesti"

local ROOM = 128 * 1024 * 1024
local LITTLE = 20
local CACHED = 1000
local TYPE = "application/octet-stream"

local function check(response, err)
  if not response then
    error(tostring(err), 0)
  elseif response.status_code ~= 200 or response.headers["Content-Type"] ~= TYPE then
    error("not the expected response", 0)
  end
  return response
end

local function check_body(response, err)
  if #check(response, err).body == 0 then
    error("a response without a body", 0)
  end
  return response
end

local function new_run(sender, options, warm_up, between_looks)
  return Run.new(options, function() return sender:now() end, warm_up, between_looks)
end

local modes = {}

function modes.sync(options)
  local sender <close> = viesti.SyncSender()
  local run, url = new_run(sender, options, LITTLE, LITTLE), options.url
  while not run.over do
    check_body(sender:send { url = url })
    run:add()
  end
  return run
end

-- The request is made once and sent again and again.
function modes.prepared(options)
  local sender <close> = viesti.SyncSender()
  local request = viesti.Request { url = options.url }
  local run = new_run(sender, options, LITTLE, LITTLE)
  while not run.over do
    check_body(sender:send(request))
    run:add()
  end
  return run
end

function modes.tls(options)
  local sender <close> = viesti.SyncSender { ca = options.ca }
  local run = new_run(sender, options, 1, 1)
  while not run.over do
    check_body(sender:send { url = options.url })
    run:add()
  end
  return run
end

local function large(options, look, stream)
  local sender <close> = viesti.SyncSender { max_body = ROOM }
  local run = new_run(sender, options, 1, 1)
  while not run.over do
    look(sender:send { url = options.url, stream = stream })
    run:add()
  end
  return run
end

function modes.large(options)
  return large(options, check)
end

modes["large-string"] = function(options)
  return large(options, check_body)
end

function modes.stream(options)
  return large(options, function(response, err)
    local length = 0
    for chunk in check(response, err):chunks() do
      length = length + #chunk
    end
    if length == 0 then
      error("a response without a body", 0)
    end
  end, true)
end

function modes.file(options)
  return large(options, function(response, err)
    assert(check(response, err):save(options.file))
  end, true)
end

function modes.upload(options)
  local sender <close> = viesti.SyncSender()
  local run = new_run(sender, options, 1, 1)
  while not run.over do
    local file <close> = assert(io.open(options.file, "rb"))
    check_body(sender:send { method = "PUT", url = options.url, content = file })
    run:add()
  end
  return run
end

-- Hits: each of so many URLs in turn, all of which are in the cache.
function modes.cached(options)
  local client <close> = viesti.CachingSender { sender = viesti.SyncSender() }
  local run, number = new_run(client, options, CACHED, CACHED), 0
  while not run.over do
    number = number % CACHED + 1
    local response = check_body(client:send { url = options.url .. "?" .. number })
    if run.done >= CACHED and not response.from_cache then
      error("not from the cache", 0)
    end
    run:add()
  end
  return run
end

-- One task for each request in flight.
local function many(sender, options, look)
  local run, url = new_run(sender, options, 2 * options.at_once, LITTLE), options.url
  local function work()
    while not run.over do
      look(sender:send { url = url })
      run:add()
    end
  end
  viesti.run(function()
    local tasks = {}
    for index = 1, options.at_once do
      tasks[index] = viesti.spawn(work)
    end
    for _, task in ipairs(tasks) do
      task:join()
    end
  end)
  return run
end

function modes.many(options)
  local sender <close> = viesti.AsyncSender { max_connections = options.connections }
  return many(sender, options, check_body)
end

function modes.h2(options)
  local sender <close> = viesti.AsyncSender { http_version = "2", ca = options.ca }
  return many(sender, options, function(response, err)
    if check_body(response, err).http_version ~= "2" then
      error("not HTTP/2", 0)
    end
  end)
end

-- So many tasks at once, each with one request, over as many connections as a session has.
function modes.queue(options)
  local sender <close> = viesti.AsyncSender()
  check(sender:send { url = options.url })
  local before, run = Run.resident(), new_run(sender, options, 0, 1)
  viesti.run(function()
    local tasks = {}
    for number = 1, options.count do
      tasks[number] = viesti.spawn(function()
        check_body(sender:send { url = options.url })
        run:add()
      end)
    end
    for _, task in ipairs(tasks) do
      task:join()
    end
  end)
  print(("before=%d"):format(before))
  return run
end

local function print_memory(requests)
  collectgarbage()
  collectgarbage()
  print(("requests=%d lua=%.1f resident=%d"):format(
    requests, collectgarbage "count", Run.resident()))
end

-- What a request leaves behind until the collector runs, and what stays after many.
function modes.garbage(options)
  local sender <close> = viesti.SyncSender()
  local function send(count)
    for _ = 1, count do
      check_body(sender:send { url = options.url })
    end
  end
  send(options.count // 10)
  print_memory(options.count // 10)
  send(options.count - options.count // 10)
  print_memory(options.count)
  collectgarbage "stop"
  local before = collectgarbage "count"
  send(100)
  print(("garbage=%d"):format((collectgarbage "count" - before) * 1024 // 100))
end

if arg[1] == "--version" then
  print(viesti.VERSION)
  return
end
local options = arguments(arg)
options.url, options.mode, options.at_once = table.unpack(options, 1, 3)
if options.collector then
  collectgarbage(options.collector)
end
local mode = modes[options.mode] or error("no such mode: " .. tostring(options.mode), 0)
local run = mode(options)
if run then
  run:print()
end
