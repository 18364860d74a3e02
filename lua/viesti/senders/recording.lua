--- RecordingSender{ path, mode = "once" | "none" | "new" | "all", sender }: for tests: lets
--- requests out once, keeps what they came to in a text file, and answers out of that from then on.
local cassette = require "viesti.testing.cassette"
local core = require "viesti.core"
local exchange = require "viesti.testing.exchange"
local ExtendingSender = require "viesti.senders.extending"
local redaction = require "viesti.tracing.redaction"
local Request = require "viesti.message.request"
local Response = require "viesti.message.response"

---@class viesti.RecordingSender: viesti.ExtendingSender
---@field path string
---@field mode "once"|"none"|"new"|"all"
---@field max_body integer
local RecordingSender = ExtendingSender:extend("RecordingSender", {
  { name = "path", type = "string", required = true, doc = "the file" },
  { name = "mode", type = "string", default = "once", values = { "once", "none", "new", "all" },
    doc = "once: records if there is no file, and answers out of it otherwise; none: never lets a "
      .. "request out; new: lets out what the file does not have, and adds it; all: lets all out, "
      .. "into a new file" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
  { name = "secrets", type = "strings",
    doc = "names of further header fields, params, form fields and members of JSON whose "
      .. "values are not kept" },
  { name = "max_body", type = "integer", default = 64 * 1024 * 1024, min = 0,
    doc = "bytes of a streamed body that it takes; more is the error too_large" },
})

-- What says nothing of the server.
local OF_OURSELVES = { script = true, cancelled = true, closed = true, forked = true,
  out_of_memory = true }

-- The tape: what there is, and whether anything is added to it.
local function insert(path, mode, rules)
  local target, what = core.file_target(path)
  if not target then
    return nil, what
  elseif mode == "all" or (not what and mode ~= "none") then
    return { cassette = cassette.new(path, rules), records = true }
  end
  local read, wrong = cassette.read(path, rules)
  return read and { cassette = read, records = mode == "new" }, wrong
end

function RecordingSender:init()
  RecordingSender.super.init(self)
  local tape, wrong = insert(self.path, self.mode, redaction.new(self.secrets))
  if not tape then
    error(core.place() .. "RecordingSender: " .. wrong, 0)
  end
  self.tape = tape -- shared with copies over others
end

local function unmatched(self, request, used)
  local what = used > 0 and ("the %d exchanges for it are used up"):format(used)
    or "there is no exchange for it"
  return core.error("refused", ("%s in %s (mode = \"%s\")"):format(what, self.path, self.mode),
    request)
end

-- The whole body of a stream; what there is of it and an error if it broke off.
local function read_all(self, request, response)
  local pieces, size = {}, 0
  local piece, err = response:read()
  while piece do
    size = size + #piece
    if size > self.max_body then
      response:close()
      return nil, core.error("too_large", ("the body is larger than max_body = %d"):format(
        self.max_body), request, "maybe")
    end
    pieces[#pieces + 1] = piece
    piece, err = response:read()
  end
  return table.concat(pieces), err
end

local function keep(self, request, response, err)
  local written, reason = self.tape.cassette:add(request, response, err)
  if not written then
    local place = reason:sub(1, #self.path) == self.path and "" or self.path .. ": "
    error(("%sRecordingSender: %s%s"):format(core.place(), place, reason), 0)
  end
end

-- A streamed body is read to its end before anybody gets it.
local function record_stream(self, request, response)
  local body, err = read_all(self, request, response)
  if not body then
    return nil, err
  end
  local whole = Response {
    url = response.url, status_code = response.status_code, reason = response.reason,
    headers = exchange.fields(response.headers), body = body,
  }
  if not (err and OF_OURSELVES[err.kind]) then
    keep(self, request, whole, err)
  end
  return core.as_stream(whole, err)
end

function RecordingSender:send(request)
  request = Request.from(request)
  local tape = self.tape
  local found, used = tape.cassette:take(request)
  if found then
    return exchange.replay(found, request)
  elseif not tape.records then
    return nil, unmatched(self, request, used)
  end
  local response, err = self:check_answer(request, self.sender:send(request))
  if response and response.streamed then
    return record_stream(self, request, response)
  elseif response or not OF_OURSELVES[err.kind] then
    keep(self, request, response, err)
  end
  return response, err
end

return RecordingSender
