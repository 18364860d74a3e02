--- One entry of a HAR file (HTTP Archive 1.2), of the span of an attempt.
local base64 = require "viesti.message.base64"
local core = require "viesti.core"
local json = require "viesti.message.json"

local UNKNOWN = -1

-- JSON is UTF-8; header fields and the like need not be, and are taken for Latin-1 then.
local function text(value)
  if utf8.len(value) then
    return value
  end
  return (value:gsub("[\x80-\xff]", function(byte) return utf8.char(byte:byte()) end))
end

local function named(pairs_)
  local list = json.array {}
  for index, pair in ipairs(pairs_) do
    list[index] = { name = text(pair[1]), value = text(pair[2]) }
  end
  return list
end

local function decoded(word)
  return (word:gsub("+", " "):gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local function query_of(url)
  local found = {}
  for pair in (url:match "%?([^#]*)" or ""):gmatch "[^&]+" do
    local name, value = pair:match "^([^=]*)=?(.*)$"
    found[#found + 1] = { decoded(name), decoded(value) }
  end
  return named(found)
end

local function date_of(seconds)
  local whole = math.floor(seconds)
  return ("%s.%03dZ"):format(os.date("!%Y-%m-%dT%H:%M:%S", whole),
    math.floor((seconds - whole) * 1e3))
end

local function milliseconds(seconds)
  return math.floor(seconds * 1e6 + 0.5) / 1e3
end

-- The first bytes of a body, whole characters if it is text: what `text` holds, its `encoding` and
-- a `comment` if that is not all.
local function excerpt(body, most)
  local part = body:sub(1, most)
  local is_text = utf8.len(body) ~= nil
  while is_text and not utf8.len(part) do
    part = part:sub(1, -2)
  end
  local comment = #part < #body and ("the first %d bytes of %d"):format(#part, #body) or nil
  return is_text and part or base64(part), not is_text and "base64" or nil, comment
end

local function media_type_of(message)
  return text(message.headers:get "Content-Type" or "")
end

local function post_data(span, most)
  local request = span.request
  if not most or not request.body then
    return nil
  end
  local media_type = media_type_of(request)
  local shown, encoding, comment = excerpt(span.redaction:body(request.body, media_type), most)
  return { mimeType = media_type, text = shown, encoding = encoding, comment = comment,
    params = json.array {} }
end

local function version_of(span)
  local version = span.attributes["network.protocol.version"]
  return version and "HTTP/" .. version or ""
end

local function request_of(span, most)
  local request, url = span.request, span.attributes["url.full"]
  return {
    method = request.method, url = text(url), httpVersion = version_of(span),
    cookies = json.array {}, headers = named(span:headers "request"), queryString = query_of(url),
    postData = post_data(span, most), headersSize = UNKNOWN,
    bodySize = span.attributes["http.request.body.size"] or UNKNOWN,
  }
end

local function content_of(span, most)
  local response = span.response
  local media_type = media_type_of(response)
  local size = core.body_size(response)
  local content = { mimeType = media_type, size = size
    or span.attributes["http.response.body.size"] or UNKNOWN }
  if most and size and size > 0 then
    local body = span.redaction:body(response.body, media_type)
    content.text, content.encoding, content.comment = excerpt(body, most)
  end
  return content
end

-- Where nothing came: as browsers write it.
local function no_response(span)
  local err = span.error
  return { status = 0, statusText = "", httpVersion = "", cookies = json.array {},
    headers = json.array {}, content = { size = 0, mimeType = "" }, redirectURL = "",
    headersSize = UNKNOWN, bodySize = UNKNOWN, _error = text(err.kind .. ": " .. err.message) }
end

local function response_of(span, most)
  local response, err = span.response, span.error
  if not response then
    return no_response(span)
  end
  local location = response.headers:get "Location"
  return {
    status = response.status_code, statusText = text(response.reason),
    httpVersion = version_of(span), cookies = json.array {},
    headers = named(span:headers "response"), content = content_of(span, most),
    redirectURL = text(location and span.redaction:url(location) or ""), headersSize = UNKNOWN,
    bodySize = span.attributes["http.response.body.size"] or UNKNOWN,
    _error = err and text(err.kind .. ": " .. err.message) or nil,
  }
end

-- `connect` has the time of TLS in it, and what did not happen is -1; together they are the time of
-- the whole, but for rounding.
local function timings_of(span)
  local duration, response = span.duration, span.response
  local timings = response and response.http_version and response.timings -- off the wire
  if not timings then
    return { blocked = UNKNOWN, dns = UNKNOWN, connect = UNKNOWN, ssl = UNKNOWN, send = 0,
      wait = milliseconds(duration), receive = 0 }
  end
  local connected = math.max(timings.dns, timings.connect, timings.tls)
  local total = math.max(timings.total, timings.first_byte)
  local blocked = response.streamed and 0 or math.max(0, duration - total)
  local had_to_connect = not response.reused and timings.connect > 0
  return {
    blocked = milliseconds(blocked),
    dns = had_to_connect and milliseconds(timings.dns) or UNKNOWN,
    connect = had_to_connect and milliseconds(connected - timings.dns) or UNKNOWN,
    ssl = had_to_connect and timings.tls > 0 and milliseconds(timings.tls - timings.connect)
      or UNKNOWN,
    send = 0,
    wait = milliseconds(timings.first_byte - (had_to_connect and connected or 0)),
    receive = milliseconds(math.max(0, duration - blocked - timings.first_byte)),
  }
end

---@param span viesti.Span that has ended
---@param most integer? bytes of a body; nil: none
---@return table
return function(span, most)
  return {
    startedDateTime = date_of(span.started), time = milliseconds(span.duration),
    request = request_of(span, most), response = response_of(span, most),
    cache = {}, timings = timings_of(span),
    serverIPAddress = span.attributes["network.peer.address"],
  }
end
