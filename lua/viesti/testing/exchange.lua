--- An exchange, a request and what it came to, as a line of JSON: to be kept and given again.
local base64 = require "viesti.message.base64"
local core = require "viesti.core"
local json = require "viesti.message.json"
local options = require "viesti.base.options"
local Response = require "viesti.message.response"
local unbase64 = require "viesti.message.unbase64"

local exchange = {}

local OF_BODIES = {
  { name = "body", type = "string" }, -- where it is UTF-8
  { name = "body_base64", type = "string" },
}

local function with_body(declaration)
  return table.move(OF_BODIES, 1, #OF_BODIES, #declaration + 1, declaration)
end

local DECLARATION = {
  { name = "request", type = "table", required = true, fields = with_body {
    { name = "method", type = "string", required = true },
    { name = "url", type = "string", required = true },
    { name = "headers", type = "table" },
  } },
  { name = "response", type = "table" },
  { name = "error", type = "table" },
}

local OF_RESPONSE = with_body {
  { name = "status_code", type = "integer", required = true, min = 100, max = 999 },
  { name = "reason", type = "string", default = "" },
  { name = "url", type = "string" }, -- where it is not the request's
  { name = "headers", type = "table" },
}

local OF_ERROR = {
  { name = "kind", type = "string", required = true },
  { name = "message", type = "string", required = true },
  { name = "sent", type = "string", required = true, values = { "no", "maybe" } },
  { name = "timeout", type = "string" },
}

---@class viesti.Exchange
---@field request { method: string, url: string, body: string? }
---@field response table? options of a Response
---@field error table? { kind, message, sent, timeout }

-- For what people read: taken for Latin-1 if it is not UTF-8.
local function text(value)
  if utf8.len(value) then
    return value
  end
  return (value:gsub("[\x80-\xff]", function(byte) return utf8.char(byte:byte()) end))
end

local function add_body(target, body)
  if not body or body == "" then
    return
  elseif utf8.len(body) then
    target.body = body
  else
    target.body_base64 = base64(body)
  end
end

--- The header fields that a Response can be made with, as a list of pairs: what comes off the wire
--- may have other names.
---@param headers viesti.Headers
---@return string[][]
function exchange.fields(headers)
  local list = {}
  for name, value in pairs(headers) do
    list[#list + 1] = core.is_token(name) and { name, value } or nil
  end
  return list
end

-- A pair of a name and a value; a value that is not UTF-8 is in Base64, which a third item says.
local function written_fields(headers, rules, secrets)
  local list = exchange.fields(headers)
  for _, field in ipairs(list) do
    local value = rules:field(field[1], field[2], secrets)
    local is_text = utf8.len(value) ~= nil
    field[2], field[3] = is_text and value or base64(value), not is_text and "base64" or nil
  end
  return #list > 0 and list or nil
end

--- What is kept of a request, without its secrets.
---@param request viesti.Request
---@param rules viesti.Redaction
---@return { method: string, url: string, body: string? }
function exchange.request(request, rules)
  local body = request.body
  return { method = request.method, url = rules:url(request.url),
    body = body and body ~= "" and rules:body(body, request.headers:get "Content-Type") or nil }
end

--- What tells such requests apart.
---@return string
function exchange.key(request)
  return table.concat({ request.method, request.url, request.body }, "\n")
end

local function written_request(request, rules)
  local kept = exchange.request(request, rules)
  local written = { method = kept.method, url = kept.url,
    headers = written_fields(request.headers, rules, request.secret_headers) }
  add_body(written, kept.body)
  return written
end

local function written_response(request, response, rules)
  local written = { status_code = response.status_code, reason = text(response.reason),
    url = response.url ~= request.url and text(rules:url(response.url)) or nil,
    headers = written_fields(response.headers, rules, request.secret_headers) }
  add_body(written, rules:body(response.body, response.headers:get "Content-Type"))
  return written
end

--- The line; or nil and what cannot be written.
---@return string? line, string? reason
function exchange.encode(request, response, err, rules)
  local line, reason = json.encode {
    request = written_request(request, rules),
    response = response and written_response(request, response, rules),
    error = err and { kind = err.kind, message = text(err.message), sent = err.sent,
      timeout = err.timeout },
  }
  return line and line:gsub("\\/", "/"), reason -- no slash needs to be escaped
end

-- The body of a message, false if it has none that can be read.
local function body_of(message)
  if message.body_base64 then
    return not message.body and unbase64(message.body_base64) or false
  end
  return message.body or ""
end

local function read_fields(list)
  for _, field in ipairs(list or {}) do
    if type(field) == "table" and field[3] == "base64" and type(field[2]) == "string" then
      field[2], field[3] = unbase64(field[2]), nil
    end
  end
  return list
end

local function read_response(given)
  local values, wrong = options.read_table("response", OF_RESPONSE, given)
  if not values then
    return nil, wrong
  end
  values.body = body_of(values)
  if not values.body then
    return nil, "response: body_base64 is none, or there is a body as well"
  end
  values.headers, values.body_base64 = read_fields(values.headers), nil
  values.url = values.url or ""
  local made, response, reason = pcall(Response.build, values)
  if not (made and response) then
    return nil, "response: " .. (made and reason or response)
  end
  return values
end

local function read_error(given)
  local values, wrong = options.read_table("error", OF_ERROR, given)
  if values then
    wrong = select(2, core.error(values.kind, ""))
  end
  return not wrong and values or nil, wrong
end

--- The exchange of a line; or nil and what is wrong with it.
---@param line string
---@return viesti.Exchange? read, string? reason
function exchange.decode(line)
  local given, wrong = json.decode(line)
  if type(given) ~= "table" then
    return nil, "it is no JSON object" .. (wrong and ": " .. wrong or "")
  end
  local read
  read, wrong = options.read_table("exchange", DECLARATION, given)
  if read and read.response then
    read.response, wrong = read_response(read.response)
  end
  if read and read.error and not wrong then
    read.error, wrong = read_error(read.error)
  end
  if wrong then
    return nil, wrong
  elseif not (read.response or read.error) then
    return nil, "there is neither a response nor an error"
  end
  local body = body_of(read.request)
  read.request.body = body ~= "" and body or nil
  return body and read, not body and "request: body_base64 is none" or nil
end

--- What the request comes to, once more.
---@param read viesti.Exchange
---@param request viesti.Request
---@return viesti.Response? response, viesti.Error? err
function exchange.replay(read, request)
  local said, err = read.error, nil
  if said then
    err = core.error(said.kind, said.message, request, said.sent)
    err.timeout = said.timeout
  end
  local kept = read.response
  if not kept or (err and not request.stream) then
    return nil, err
  end
  local response = Response.build {
    url = kept.url ~= "" and kept.url or request.url, status_code = kept.status_code,
    reason = kept.reason, headers = kept.headers, body = kept.body,
  }
  return request.stream and core.as_stream(response, err) or response
end

return exchange
