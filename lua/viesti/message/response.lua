--- Response{ url, headers, status_code, content }: an immutable value, made by the core from what
--- came off the wire, or here for senders written in Lua and for tests.
local core = require "viesti.core"
local fields = require "viesti.message.fields"
local format = require "viesti.base.format"
local json = require "viesti.message.json"
local lines = require "viesti.message.lines"
local options = require "viesti.base.options"
local retry_after = require "viesti.message.retry_after"
local save = require "viesti.message.save"

local declaration = {
  { name = "url", type = "string", default = "", doc = "where it came from" },
  { name = "headers", type = "table|headers",
    doc = "names to values, or a list of pairs; a value may be a list" },
  { name = "status_code", type = "integer", default = 200, min = 100, max = 999,
    doc = "the status" },
  { name = "content", type = "any", doc = "the decoded body, encoded as JSON into `body`" },
  { name = "body", type = "string", doc = "the bytes of the body, instead of `content`" },
  { name = "reason", type = "string", default = "", doc = "the reason phrase" },
}

--- Fields: `status_code`, `reason`, `url`, `headers`, `body` (bytes), `content` (decoded JSON, or
--- nil), `elapsed` (seconds), `timings`, `http_version`, `from_cache`, `attempts`, `encoding` (the
--- Content-Encoding that was undone), `reused` (the connection), `complete` (whether the body is
--- whole: true, false or "unknown"), `remote` (address and port), `interim` (the 1xx answers).
---@class viesti.Response
local Response = core.Response

-- What other libraries call fields of ours: nil would be taken for an answer.
local ELSEWHERE = {
  status = "status_code", statusCode = "status_code", code = "status_code",
  statusText = "reason", status_text = "reason", text = "body", data = "body",
  ok = "is_success()", is_error = "is_success()",
}

-- Called by the core for a name that is no field.
function Response.refuse_foreign(name)
  if ELSEWHERE[name] then
    error(("%sa Response has no '%s', it has '%s'"):format(core.place(), name, ELSEWHERE[name]), 0)
  end
end

-- Called by the core for `content`, once per response.
function Response.decode_content(response)
  return (json.decode(response.body))
end

-- Called by the core for `attempts`, where no layer has counted them: what came out of a cache
-- alone took none.
function Response.own_attempts(response)
  local cache = response.cache
  if response.from_cache and not (cache and cache.forward_status) then
    return {}
  end
  return { { number = 1, duration = response.elapsed, sent = "maybe",
    status_code = cache and cache.forward_status or response.status_code } }
end

--- The body decoded as JSON, null as viesti.null where `choices.null` asks for it; or nil and why
--- it is none.
---@param choices? { null: any }
---@return any value, string? reason
function Response:json(choices)
  core.check_type(self, "viesti.Response", "json")
  if choices ~= nil and type(choices) ~= "table" then
    error("response:json takes a table such as { null = viesti.null }, got "
      .. format.given(choices), 2)
  elseif self.streamed then
    error(core.place() .. "the body is streamed: read it with response:chunks() or :read()", 0)
  end
  return json.decode(self.body, choices ~= nil and choices.null ~= nil)
end

-- The next bytes, from the wire or, through what stands between, into a store or out of one.
local function take(response, most, loops)
  local passage = core.passage(response, loops)
  if not passage then
    return core.take_bytes(response, most, loops)
  end
  local taken <close> = passage:begin()
  return taken:take(response, most, loops)
end

local LONGEST_LINE = 1024 * 1024

local TAKEN = "somebody else is reading this response"

-- What is wrong with reading at most so many bytes at a time, or nil.
local function check_most(method, most)
  if most ~= nil and not (type(most) == "number" and most >= 1 and math.tointeger(most)) then
    return ("response:%s needs a number of bytes, an integer of 1 or more, got %s"):format(
      method, format.given(most))
  end
end

--- The next bytes of the body, at most `most`: of a streamed one as they come. nil at its end; nil
--- and an error if it was cut off.
---@param most? integer
---@return string? bytes, viesti.Error? err
function Response:read(most)
  core.check_type(self, "viesti.Response", "read")
  local wrong = check_most("read", most) or core.is_read_elsewhere(self) and TAKEN
  if wrong then
    error(core.place() .. wrong, 0)
  end
  return take(self, most)
end

local function whole_chunks(body, position, most)
  return function()
    local first = position + 1
    position = position + math.min(#body - position, most or #body)
    return first <= #body and body:sub(first, position) or nil
  end
end

local function streamed_chunks(response, most)
  local refused = false
  local function next_chunk()
    refused = core.is_read_elsewhere(response)
    if refused then
      error(core.place() .. TAKEN, 0)
    end
    local chunk, err = take(response, most, true)
    if err then
      error(err)
    end
    return chunk
  end
  return next_chunk, nil, nil, setmetatable({}, { __close = function()
    if not refused then
      response:close()
    end
  end })
end

--- What was not read yet of the body, piece by piece, each at most `most` bytes if given.
--- Leaving the loop early ends the transfer; a failure on the way is raised, so that a part is
--- never taken for the whole. A streamed body has one loop.
---   for chunk in response:chunks() do file:write(chunk) end
---@param most? integer
---@return fun(): string?
function Response:chunks(most)
  core.check_type(self, "viesti.Response", "chunks")
  local wrong = check_most("chunks", most)
  if wrong then
    error(core.place() .. wrong, 0)
  elseif self.streamed then
    return streamed_chunks(self, most)
  end
  return whole_chunks(self.body, core.read_position(self), most)
end

--- What was not read yet of the body, line by line, without the ends "\n" or "\r\n"; in all else
--- as `chunks`. A line of more than `most` bytes, 1 MiB if not given, is raised as the error
--- `too_large`.
---   for line in response:lines() do print(line) end
---@param most? integer
---@return fun(): string?
function Response:lines(most)
  core.check_type(self, "viesti.Response", "lines")
  local wrong = check_most("lines", most)
  if wrong then
    error(core.place() .. wrong, 0)
  end
  local next_chunk, state, control, closing = self:chunks()
  return lines(next_chunk, most or LONGEST_LINE), state, control, closing
end

--- Writes the body to a file, which appears under its name only when it is whole, in the place of
--- one that was there; or into what is no regular file. Returns the number of bytes; or nil and why
--- not: an error object if the transfer failed, a sentence if the file did.
---@param path string
---@return integer? bytes, viesti.Error|string? reason
function Response:save(path)
  core.check_type(self, "viesti.Response", "save")
  if type(path) ~= "string" then
    error(core.place() .. "save needs the path of a file, got " .. format.given(path), 0)
  elseif core.is_read_elsewhere(self) then
    error(core.place() .. TAKEN, 0)
  elseif self.begun then
    return nil, "the body has been read already"
  end
  return save(self, path)
end

--- True for a status of 200 to 299.
---@return boolean
function Response:is_success()
  core.check_type(self, "viesti.Response", "is_success")
  return self.status_code >= 200 and self.status_code < 300
end

-- An uncaught one says where it was raised, as an error in words does.
local function status_error(response, caller)
  local reason = response.reason ~= "" and " " .. response.reason or ""
  local err = core.error("status", "")
  err.message = ("%d%s for %s"):format(response.status_code, reason,
    core.public_url(response.url))
  err.sent, err.response = "maybe", response
  if caller and caller.currentline > 0 then
    err.place = ("%s:%d: "):format(caller.short_src, caller.currentline)
  end
  return err
end

--- The response itself if its status is below 400; raises the error `status` otherwise, which names
--- it and has it as `err.response`.
---@return viesti.Response
function Response:raise_for_status()
  core.check_type(self, "viesti.Response", "raise_for_status")
  if self.status_code >= 400 then
    error(status_error(self, debug.getinfo(2, "Sl")))
  end
  return self
end

--- Seconds until the request may be sent again, as Retry-After says: a number, or a date compared
--- with the response's own Date (RFC 9110 10.2.3); of a 429 or 503 without it as RateLimit,
--- RateLimit-Reset or X-RateLimit-Reset say. nil if they say nothing that makes sense, math.huge
--- for a number past all reason.
---@return number?
function Response:retry_after()
  core.check_type(self, "viesti.Response", "retry_after")
  return retry_after(self)
end

--- The response of checked options; or nil and what is wrong with them.
---@return viesti.Response?, string? reason
local function build(values)
  if values.content ~= nil and values.body then
    return nil, "content and body are both given, a response has one body"
  end
  local flat, wrong = fields.flatten("headers", values.headers, "none")
  if not flat then
    return nil, wrong
  end
  local body = values.body
  if values.content ~= nil then
    body, wrong = json.encode(values.content)
    if not body then
      return nil, "content cannot hold " .. wrong
    end
  end
  return core.response {
    url = values.url, status_code = values.status_code, reason = values.reason,
    body = body, fields = flat,
  }
end

local function new(_, ...)
  local values, wrong = options.read("Response", declaration, ...)
  if not values then
    error(core.place() .. wrong, 0)
  end
  local response, reason = build(values)
  return response or error(core.place() .. "Response: " .. reason, 0)
end

return setmetatable({ name = "Response", options = declaration, build = build },
  { __call = new, __tostring = function() return "Response" end })
