-- A scripted HTTP/1.1 origin in a process of its own, that ends with this process.
--
--   local server = origin.start()
--   server:route("/path", { { status = 503 }, { json = { ok = true } } })
--
-- A script is one answer, or a list of answers used one after the other, the last repeating. Its
-- path matches with any query; a path with a query matches only itself. Fields of an answer:
--
--   status, reason, headers = { { name, value }, … }, body     Content-Length is added unless given
--   json = value      as body with its Content-Type            chunked = true | bytes in each chunk
--   etag = '"v1"'     sends the tag, and 304 to an If-None-Match that holds it
--   raw = bytes       these bytes on the wire instead of the above
--   delay = seconds   before the first byte
--   drip = { bytes = count at a time | raw bytes to send one by one, interval = seconds }
--   after = n         only the first n bytes, then the end: close, or what follows says
--   forever = bytes   after the above, repeated until the client goes away
--   hang = true       after the above, nothing more
--   reset = true      after the above, RST
--   close = true      after the above, closes; announced by "Connection: close" unless "silent"
--   early = true      answers without reading the body, nor saying 100 Continue; then closes
--   first = bytes     these on the wire before the body is read; the above follows when it is
--
-- Only hang, reset or close: nothing is said before. Built in: /echo, /json, /status/NNN.

local cjson = require("cjson")
local socket = require("socket")
local unix = require("socket.unix")
local header_list = require("spec.support.header_list")
local process = require("spec.support.process")

local origin = {}

local Origin = {}
Origin.__index = Origin

local start_seconds = 10
local reply_seconds = 30

local answer_fields = {}
for name in ([[status reason headers body json chunked etag raw delay drip after forever hang reset
    close early first]]):gmatch("%a+") do
  answer_fields[name] = true
end

local function checked_answer(answer)
  local copy = {}
  for name, value in pairs(answer) do
    if not answer_fields[name] then
      error(("an origin's answer has no field '%s'"):format(name), 3)
    end
    copy[name] = value
  end
  if copy.json ~= nil then
    copy.body, copy.json = cjson.encode(copy.json), nil
    copy.headers = table.move(copy.headers or {}, 1, #(copy.headers or {}), 2,
      { { "Content-Type", "application/json" } })
  end
  return copy
end

local function accept_control(server, listener)
  local deadline = socket.gettime() + start_seconds
  listener:settimeout(0.1)
  repeat
    local control = listener:accept()
    if control then
      return control
    end
    local output = server.process:output()
  until output ~= "" or socket.gettime() > deadline
  local output = server.process:output()
  server.process:stop()
  error("the origin did not start: " .. output, 3)
end

function origin.start()
  local directory = process.temporary_directory()
  local path = directory .. "/control.sock"
  local listener = unix()
  assert(listener:bind(path))
  assert(listener:listen(1))
  local command = "exec " .. process.lua_command("spec.support.origin_server", path)
  local server = setmetatable({ process = process.start(directory, command) }, Origin)
  server.control = accept_control(server, listener)
  listener:close()
  server.control:settimeout(reply_seconds)
  server.port = math.tointeger(tonumber((assert(server.control:receive("*l")))))
  server.url = "http://127.0.0.1:" .. server.port
  return server
end

local function ask(self, name, order)
  order = order or {}
  order.name = name
  assert(self.control, "the origin is stopped")
  local sent, problem = self.control:send(cjson.encode(order) .. "\n")
  local line
  if sent then
    line, problem = self.control:receive("*l")
  end
  if not line then
    error(("the origin does not answer (%s) %s"):format(problem, self.process:output()), 3)
  end
  local reply = cjson.decode(line)
  if reply.faults[1] then
    error("the origin failed: " .. table.concat(reply.faults, "\n"), 3)
  end
  return reply.result
end

function Origin:route(path, script)
  local answers = {}
  for _, answer in ipairs(script[1] and script or { script }) do
    answers[#answers + 1] = checked_answer(answer)
  end
  ask(self, "route", { path = path, answers = answers })
end

-- The requests read so far, in order: { method, target, version, headers = { { name, value }, … },
-- header = function(name), body, connection = its number, head = the head's bytes, malformed }.
-- Complete as far as answers have arrived.
function Origin:requests()
  local requests = ask(self, "requests")
  for _, request in ipairs(requests) do
    request.connection = math.tointeger(request.connection)
    request.header = function(name)
      return header_list.get(request.headers, name)
    end
  end
  return requests
end

-- How many of them were for that path.
function Origin:count(path)
  return math.tointeger(ask(self, "count", { path = path }))
end

-- Forgets routes, requests and the count of connections; open connections live on.
function Origin:reset()
  ask(self, "reset")
end

-- Client connections accepted so far.
function Origin:connections()
  return math.tointeger(ask(self, "connections"))
end

-- Client connections open just now.
function Origin:open_connections()
  return math.tointeger(ask(self, "open_connections"))
end

function Origin:stop()
  if self.control then
    self.control:close()
    self.control = nil
  end
  self.process:stop()
end

Origin.__close = Origin.stop

return origin
