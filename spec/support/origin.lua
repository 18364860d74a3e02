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
local header_list = require("spec.support.header_list")
local server_process = require("spec.support.server_process")

local origin = {}

local Origin = {}
Origin.__index = Origin

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

function origin.start()
  local server = server_process.start("spec.support.origin_server", "origin")
  return setmetatable({
    server = server,
    process = server.process,
    port = server.port,
    url = "http://127.0.0.1:" .. server.port,
  }, Origin)
end

function Origin:route(path, script)
  local answers = {}
  for _, answer in ipairs(script[1] and script or { script }) do
    answers[#answers + 1] = checked_answer(answer)
  end
  self.server:ask("route", { path = path, answers = answers })
end

-- The requests read so far, in order: { method, target, version, headers = { { name, value }, … },
-- header = function(name), body, connection = its number, head = the head's bytes, malformed }.
-- Complete as far as answers have arrived.
function Origin:requests()
  local requests = self.server:ask("requests")
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
  return math.tointeger(self.server:ask("count", { path = path }))
end

-- Forgets routes, requests and the count of connections; open connections live on.
function Origin:reset()
  self.server:ask("reset")
end

-- Client connections accepted so far.
function Origin:connections()
  return math.tointeger(self.server:ask("connections"))
end

-- Client connections open just now.
function Origin:open_connections()
  return math.tointeger(self.server:ask("open_connections"))
end

-- What comes of a request by this sender that is answered in this way; `more` of the request's
-- options.
function Origin:exchange(sender, answer, more)
  self:route("/x", answer)
  local request = { url = self.url .. "/x" }
  for name, value in pairs(more or {}) do
    request[name] = value
  end
  return sender:send(request)
end

function Origin:stop()
  self.server:stop()
end

Origin.__close = Origin.stop

return origin
