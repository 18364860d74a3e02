--- download(sender, request, path, ...): the body of a response in a file; goes on where an earlier
--- download was interrupted (RFC 9110 13.1.5, 14).
local core = require "viesti.core"
local Error = require "viesti.base.errors"
local format = require "viesti.base.format"
local options = require "viesti.base.options"
local PartFile = require "viesti.downloads.part_file"
local ranges = require "viesti.downloads.ranges"
local Request = require "viesti.message.request"

---@class viesti.download.Options
---@field request viesti.Request|viesti.Request.Options
---@field on_progress fun(done: integer, total: integer?)

local download = { name = "download" }

download.options = {
  { name = "sender", type = "sender", required = true, doc = "the chain to send through" },
  { name = "request", type = "request|table", required = true,
    doc = "a GET, or a table of its options" },
  { name = "path", type = "string", required = true,
    doc = "where the file appears when it is whole; until then it grows in `path.part`" },
  { name = "on_progress", type = "function",
    doc = "called with the bytes that are there, and with how many there will be (nil: unknown)" },
  { name = "retries", type = "integer", default = 0, min = 0,
    doc = "how often it is tried again where the transfer fails; each goes on where one ended" },
  { name = "wait", type = "number", default = 1, min = 0, doc = "seconds between two attempts" },
  { name = "resume", type = "boolean", default = true,
    doc = "go on with what an earlier download left; false: from the start, and leave nothing" },
}

local function failure(job, kind, message)
  local err = Error(kind, message, job.request)
  err.sent, err.retryable = "maybe", kind == "truncated"
  return err
end

-- A sender of the user's own may answer with the whole body at once.
local function reader_of(response)
  if response.streamed then
    return function() return response:read() end
  end
  local rest = response.body
  return function()
    local piece = rest
    rest = nil
    return piece
  end
end

-- Takes the body, at whose end `last` bytes are there, of `total`; either may be unknown.
local function receive(job, part, response, last, total)
  local read, piece, err = reader_of(response), "", nil
  while piece do
    if last and part.size + #piece > last then
      part:forget()
      return nil, failure(job, "protocol", ("more came than the %d bytes announced"):format(last))
    end
    local written, reason = part:append(piece)
    if not written then
      return nil, reason
    elseif job.on_progress then
      job.on_progress(part.size, total)
    end
    piece, err = read()
  end
  if last and not err and part.size < last then
    err = failure(job, "truncated", ("the body ended at %d of %d bytes"):format(part.size, last))
  end
  if err then
    return nil, err
  end
  return true
end

local function receive_whole(job, part, response)
  local length = ranges.length(response)
  local validator = not response.encoding and ranges.strong_validator(response.headers) or nil
  local begun, reason = part:begin(validator, length)
  if not begun then
    return nil, reason
  end
  local received, err = receive(job, part, response, length, length)
  return received and "whole", err
end

-- Compressed bytes, undone on the way or not, are no part of what is there.
local function is_coded(response)
  local coding = response.encoding or response.headers:get "Content-Encoding"
  return coding ~= nil and coding ~= "identity"
end

-- Where the bytes of a 206 end, and the total if known; nil if they do not follow those there.
local function continuation(part, response)
  local first, last, total = ranges.satisfied(response.headers)
  local fits = first == part.size and (not part.total or last < part.total)
    and (not (part.total and total) or part.total == total)
  if fits and not is_coded(response) and ranges.may_be_of(part.validator, response.headers) then
    return last + 1, total or part.total
  end
end

-- A server may send less of the rest than was asked for (RFC 9110 15.3.7), and need not know how
-- much there is: then the next exchange goes on, or finds that nothing follows.
local function receive_rest(job, part, response)
  local last, total = continuation(part, response)
  if not last then
    part:forget()
    return "part"
  end
  local received, err = receive(job, part, response, last, total)
  return received and (last == total and "whole" or "part"), err
end

-- RFC 9110 15.5.17: nothing follows what is there. It is the whole, or of something else.
local function judge_unsatisfied(part, response)
  if ranges.unsatisfied(response.headers) == part.size
      and ranges.may_be_of(part.validator, response.headers) then
    return "whole"
  end
  part:forget()
  return "part"
end

local function outgoing(job, part)
  local headers = { ["Accept-Encoding"] = "identity" }
  local offset = part:offset()
  if offset > 0 then
    headers["Range"] = ("bytes=%d-"):format(offset)
    headers["If-Range"] = part.validator
  end
  return job.request:with { headers = headers, stream = true }
end

-- One request and its response. Returns "whole" or "part", whichever is there now; or nil, why it
-- failed, and the response if that is why.
local function exchange(job, part)
  local asked = part:offset() > 0
  local response <close>, err = job.sender:send(outgoing(job, part))
  if not response then
    return nil, err
  end
  local status = response.status_code
  if status == 200 or status == 203 then
    return receive_whole(job, part, response)
  elseif asked and status == 206 then
    return receive_rest(job, part, response)
  elseif asked and status == 416 then
    return judge_unsatisfied(part, response)
  elseif status == 206 then
    return nil, failure(job, "protocol", "a part came (206) where the whole was asked for")
  end
  local reason = response.reason ~= "" and " " .. response.reason or ""
  return nil, ("%d%s for %s"):format(status, reason, core.public_url(response.url)), response
end

local function is_passing(reason)
  return type(reason) == "table" and reason.retryable
end

-- Ends: "part" without a failure means more bytes than before, or, once, the whole asked for.
local function run(job, part)
  local retries = 0
  while true do
    local outcome, reason, response = exchange(job, part)
    if outcome == "whole" then
      local finished, wrong = part:finish()
      return finished and part.size, wrong
    elseif not outcome then
      if retries == job.retries or not is_passing(reason) then
        return nil, reason, response
      end
      retries = retries + 1
      job.sender:sleep(job.wait)
    end
  end
end

-- What is wrong with the request for a download, or nil.
local function check_request(request)
  if request.method ~= "GET" then
    return "the request must be a GET, got a " .. request.method
  elseif request.body or request.content then
    return "the request must not have a body"
  elseif request.on_progress then
    return "on_progress is to be an option of the download, not of the request"
  end
  for _, name in ipairs { "Range", "If-Range" } do
    if request.headers:get(name) then
      return ("the request must not have the header '%s', which is set here"):format(name)
    end
  end
end

local function check_path(path)
  if path == "" or path:find "/$" or path:find "\0" then
    return "path must be the name of a file, got " .. format.given(path)
  end
end

--- Writes the body of the response to a file, which appears under its name only when it is whole.
--- Takes one table of options, or them in their order. Returns the number of bytes in the file; or
--- nil and why it is not there: an error object if the transfer failed, a sentence if the file or
--- the status did, and with the status the response, whose body is not read.
---@param ... any { sender, request, path, on_progress, retries, wait, resume }
---@return integer? bytes, viesti.Error|string? reason, viesti.Response? response
function download.download(...)
  local job, wrong = options.read("download", download.options, ...)
  if not job then
    error(core.place() .. wrong, 0)
  end
  job.request = Request.from(job.request)
  wrong = check_request(job.request) or check_path(job.path)
  if wrong then
    error(core.place() .. "download: " .. wrong, 0)
  end
  local part <close>, reason = PartFile.open(job.path, job.request.url, job.resume)
  if not part then
    return nil, reason
  end
  return run(job, part)
end

return download
