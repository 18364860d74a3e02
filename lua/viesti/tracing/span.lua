--- Span: what a TracingSender tells of one attempt, by OpenTelemetry's semantic conventions for
--- HTTP clients.
local core = require "viesti.core"
local format = require "viesti.base.format"

--- One attempt at a request, as a TracingSender tells of it.
---@class viesti.Span
---@field id integer the first of its TracingSender's is 1
---@field attributes table<string, any> by OpenTelemetry's names, without secrets; it grows
---@field started number the moment, in seconds since 1970
---@field duration number? seconds; of a streamed response until its end; nil before that
---@field request viesti.Request itself, with all its secrets
---@field response viesti.Response? likewise
---@field error viesti.Error? why there is none, or why its body broke off
---@field resends integer how often the request came to nothing before
local Span = { __name = "viesti.Span" }

local PORTS = { http = 80, https = 443 }

local METHODS = { CONNECT = true, DELETE = true, GET = true, HEAD = true, OPTIONS = true,
  PATCH = true, POST = true, PUT = true, TRACE = true }

-- The host, without the brackets of an address, and the port.
local function server_of(url)
  local scheme, authority = url:match "^(%a[%w+.-]*)://([^/?#]*)"
  local place = authority:match "([^@]*)$"
  local host, port = place:match "^%[(.-)%]:?(%d*)$"
  if not host then
    host, port = place:match "^([^:]*):?(%d*)$"
  end
  return host, math.tointeger(tonumber(port)) or PORTS[scheme]
end

local function add_fields(span, prefix, headers, names)
  for _, name in ipairs(names or {}) do
    local values = headers:get_all(name)
    for index, value in ipairs(values) do
      values[index] = span.redaction:field(name, value, span.request.secret_headers)
    end
    span.attributes[prefix .. name:lower()] = values[1] and values or nil
  end
end

local function add_request(span, attributes)
  local request = span.request
  local is_known = METHODS[request.method]
  attributes["http.request.method"] = is_known and request.method or "_OTHER"
  attributes["http.request.method_original"] = not is_known and request.method or nil
  attributes["url.full"] = span.redaction:url(request.url)
  attributes["server.address"], attributes["server.port"] = server_of(request.url)
  attributes["http.request.body.size"] = core.request_size(request)
  attributes["http.request.resend_count"] = span.resends > 0 and span.resends or nil
  add_fields(span, "http.request.header.", request.headers, span.sender.request_headers)
end

local function add_response(span, attributes)
  local response, remote = span.response, span.response.remote
  attributes["http.response.status_code"] = response.status_code
  attributes["error.type"] = response.status_code >= 400 and tostring(response.status_code) or nil
  attributes["network.protocol.version"] = response.http_version
  attributes["network.peer.address"] = remote and remote.address
  attributes["network.peer.port"] = remote and remote.port
  add_fields(span, "http.response.header.", response.headers, span.sender.response_headers)
end

-- Of the body as it was sent, all of which has come.
local function size_of(response)
  local size = not response.encoding and core.body_size(response)
  return size or math.tointeger(tonumber(response.headers:get "Content-Length"))
end

local function add_end(span, attributes)
  attributes["http.client.request.duration"] = span.duration
  if span.error then
    attributes["error.type"] = span.error.kind
  elseif not span.cut and span.request.method ~= "HEAD" then
    attributes["http.response.body.size"] = size_of(span.response)
  end
end

-- Who looks at no attributes has no cost of them.
function Span.__index(span, key)
  if key == "redaction" then
    return span.sender.state.redaction
  elseif key ~= "attributes" then
    return Span[key]
  end
  local attributes = {}
  span.attributes = attributes
  add_request(span, attributes)
  if span.response then
    add_response(span, attributes)
  end
  if span.duration then
    add_end(span, attributes)
  end
  return attributes
end

--- The header fields of the request, or of the response, as a list of pairs without secrets.
---@param of "request"|"response"
---@return string[][]
function Span:headers(of)
  if of ~= "request" and of ~= "response" then
    error(('%sspan:headers needs "request" or "response", got %s'):format(core.place(),
      format.given(of)), 0)
  end
  local message = self[of]
  return message and self.redaction:fields(message.headers, self.request.secret_headers) or {}
end

-- What a TracingSender does with them, and nobody else.
local spans = {}

--- The beginning of one, with room for what comes of a request that succeeds.
---@param sender viesti.TracingSender
---@param request viesti.Request
---@return viesti.Span
function spans.start(sender, request)
  local state = sender.state
  state.count = state.count + 1
  return setmetatable({ id = state.count, request = request, resends = state.failures[request] or 0,
    start = sender.tell_time(), started = sender:wall(), sender = sender,
    response = nil, duration = nil }, Span)
end

local function add(span, what)
  local attributes = rawget(span, "attributes")
  if attributes then
    what(span, attributes)
  end
end

--- The head of the response is there.
---@param span viesti.Span
---@param response viesti.Response
function spans.note_response(span, response)
  span.response = response
  add(span, add_response)
end

--- It is over, with an error or without; that a caller wanted no more of a body is none.
---@param span viesti.Span
---@param now number
---@param err viesti.Error?
---@return "end"|"error" event
---@return boolean failed whether the request came to nothing
function spans.finish(span, now, err)
  local response, is_error = span.response, err ~= nil and err.kind ~= "closed"
  span.duration = now - span.start
  if err then
    span.cut, span.error = true, is_error and err or nil
  end
  add(span, add_end)
  return is_error and "error" or "end", is_error or not response or response.status_code >= 400
end

return spans
