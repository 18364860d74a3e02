-- HAR is written, not read: whatever a server answers, the file is JSON of one entry for each
-- attempt, with no secret in it.
--
-- The input: a line each for the method, the URL, the status and the reason; header fields; an
-- empty line, and the body, of the request as well.

local MockSender = require "viesti.senders.mock"
local Request = require "viesti.message.request"
local TracingSender = require "viesti.layers.tracing"
local har = require "viesti.tracing.har"
local json = require "viesti.message.json"
local promise = require "spec.fuzz.promise"

local SECRET = "correct-horse-battery-staple"
local PATH = promise.path()

local function fields_of(text)
  local fields = { { "Authorization", SECRET } }
  for line in text:gmatch "[^\n]+" do
    local name, value = line:match "^([^:]+):[ \t]*([^\r%z]-)[ \t]*$"
    fields[#fields + 1] = name and { name, value } or nil
  end
  return fields
end

-- The request, and the options of its answer; or nil if there are none such.
local function read(text)
  local parts = promise.lines(text, 5)
  local head, body = (parts[5] or ""):match "^(.-)\n\n(.*)$"
  local fields = fields_of(head or parts[5] or "")
  local made, request = pcall(Request, { method = parts[1], url = parts[2], headers = fields,
    content = body })
  local mocked, sender = pcall(MockSender, { routes = { { answer = {
    status_code = math.tointeger(tonumber(parts[3])), reason = parts[4], headers = fields,
    body = body } } } })
  if made and mocked then
    return request, sender
  end
  promise.sentence(((made and sender or request):gsub("[\r\n]", " ")))
end

return function(text)
  local request, sender = read(text)
  if not request then
    return
  end
  local trace <close> = har { path = PATH, bodies = #text % 2 == 0, max_body = 100 }
  local tracing = TracingSender { sender = sender, on_event = trace.on_event }
  tracing:send(request)
  tracing:send(request)
  promise.same(2, trace:close(), "entries")
  local written = promise.read(PATH)
  os.remove(PATH)
  assert(utf8.len(written), "JSON is UTF-8")
  local log = assert(json.decode(written)).log
  promise.same(2, #log.entries, "entries in the file")
  assert(text:find(SECRET, 1, true) or not written:find(SECRET, 1, true), "a secret")
end
