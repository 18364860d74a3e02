--- Request{ method, url, params, headers, data, json, content }: an immutable value.
local core = require "viesti.core"
local fields = require "viesti.fields"
local format = require "viesti.format"
local json = require "viesti.json"
local options = require "viesti.options"
local tables = require "viesti.tables"

local declaration = {
  { name = "method", type = "string", default = "GET",
    doc = "the method; letters are made upper case" },
  { name = "url", type = "string", required = true,
    doc = "http or https; whatever may not stand in a URL is percent-encoded" },
  { name = "params", type = "table",
    doc = "names to values, or a list of pairs: added to the URL's query" },
  { name = "headers", type = "table|headers",
    doc = "names to values, or a list of pairs; a value may be a list" },
  { name = "data", type = "table",
    doc = "body: names to values, or a list of pairs, sent as a form" },
  { name = "json", type = "any", doc = "body: any value, sent as JSON" },
  { name = "content", type = "string|function|file",
    doc = "body: the bytes themselves; a function that returns them piece by piece, then nil; "
      .. "or an open file" },
  { name = "length", type = "integer", min = 0,
    doc = "bytes that a function in `content` will return in all; without it they go chunked" },
  { name = "stream", type = "boolean", default = false,
    doc = "return when the head is there; the body is read with response:chunks() or :read()" },
}

local BODIES = { "data", "json", "content" }

--- What a caller may do with a request beyond reading its fields `method`, `url` (with its params),
--- `headers`, `body`, `params`, `data`, `json`, `content`.
---@class viesti.Request
local Request = core.Request

local function check_single_body(values)
  local found
  for _, name in ipairs(BODIES) do
    if values[name] ~= nil and found then
      return nil, ("Request: %s and %s are both given, a request has one body"):format(found, name)
    end
    found = values[name] ~= nil and name or found
  end
  return true
end

-- The bytes of the body and their media type, both nil if there is none.
local function encode_body(values)
  if values.data ~= nil then
    local flat, wrong = fields.flatten("data", values.data)
    if not flat then
      return nil, nil, "Request: " .. wrong
    end
    return fields.encode(flat), "application/x-www-form-urlencoded"
  elseif values.json ~= nil then
    local text, wrong = json.encode(values.json)
    if not text then
      return nil, nil, "Request: json cannot hold " .. wrong
    end
    return text, "application/json"
  end
  return type(values.content) == "string" and values.content or nil
end

-- What must be remembered to read the options back and to make changed copies; nil for a request
-- of method and URL alone.
local function remember(values, headers)
  local given
  for _, name in ipairs { "params", "data", "json", "content", "length" } do
    if values[name] ~= nil then
      given = given or { url = values.url }
      given[name] = tables.copy(values[name])
    end
  end
  if given or #headers > 0 then
    given = given or { url = values.url }
    given.headers = headers
  end
  return given
end

local PIECE = 64 * 1024

-- A reader of the body from its start, for one sending.
function Request.open_source(source)
  if type(source) == "function" then
    return source
  end
  source.file:seek("set", source.start)
  return function()
    return source.file:read(PIECE)
  end
end

-- Where a body that is not a string comes from, and its length.
local function source_of(values)
  local content = values.content
  if type(content) == "function" then
    return content, values.length
  elseif type(content) == "userdata" then
    local start = content:seek()
    local size = start and content:seek "end"
    if not size then
      return nil, nil, "Request: content is a file that cannot be sought in"
    end
    content:seek("set", start)
    return { file = content, start = start }, size - start
  end
end

local function build(values)
  if values.params == nil and values.headers == nil and values.data == nil and values.json == nil
    and values.content == nil and not values.stream then
    local request, reason = core.request(values.method:upper(), values.url)
    return request, reason and "Request: " .. reason
  end
  local ok, wrong = check_single_body(values)
  if not ok then
    return nil, wrong
  end
  local params, headers, body, media_type
  params, wrong = fields.flatten("params", values.params)
  if params then
    headers, wrong = fields.flatten("headers", values.headers)
  end
  if not headers then
    return nil, "Request: " .. wrong
  end
  body, media_type, wrong = encode_body(values)
  if wrong then
    return nil, wrong
  end
  local source, length
  source, length, wrong = source_of(values)
  if wrong then
    return nil, wrong
  end
  local given = remember(values, headers)
  if type(source) == "table" then
    given.start = source.start
  end
  if media_type and not fields.find(headers, "Content-Type") then
    headers = fields.merge(headers, { "Content-Type", media_type })
  end
  local request, reason = core.request(
    values.method:upper(), values.url, fields.encode(params), headers, body, given)
  if request and (source or values.stream) then
    request:set_stream(source, length, type(source) == "table", values.stream)
  end
  return request, reason and "Request: " .. reason
end

-- The request, or nil and what is wrong.
local function make(...)
  local values, wrong = options.read("Request", declaration, ...)
  if not values then
    return nil, wrong
  elseif values.length and type(values.content) ~= "function" then
    return nil, "Request: length is for a body that a function in content supplies"
  end
  return build(values)
end

local function new(_, ...)
  local request, wrong = make(...)
  return request or error(wrong, 2)
end

-- The level of `error` that blames the caller of a `send` that calls Request.from.
local SENDER = 3

--- `given` as a Request: a request as it is, a table of options made into one.
---@param given viesti.Request|table
---@return viesti.Request
function Request.from(given)
  if type(given) == "userdata" then
    return given
  elseif type(given) == "table" then
    local request, wrong = make(given)
    return request or error(wrong, SENDER)
  end
  error("send: the request must be a Request or a table of its options, got "
    .. format.given(given), SENDER)
end

-- The fields of `base` (flat) with those of `changes`, where false takes a name away.
local function merge_fields(what, base, changes)
  local kept, added = base or {}, {}
  if type(changes) == "table" and #changes == 0 then
    for name, value in pairs(changes) do
      if value == false then
        kept = fields.without(kept, name)
      else
        added[name] = value
      end
    end
  elseif changes ~= nil then
    added = changes
  end
  local flat, wrong = fields.flatten(what, added)
  return flat and fields.pairs(fields.merge(kept, flat)), wrong
end

local function keep_body(merged, given, changes)
  for _, name in ipairs(BODIES) do
    if changes[name] ~= nil then
      return
    end
  end
  for _, name in ipairs { "data", "json", "content", "length" } do
    merged[name] = given[name]
  end
  if given.start then
    given.content:seek("set", given.start)
  end
end

--- A copy of the request with other options. Headers and params are merged by name, and a name
--- with the value false is taken away; a body given here replaces the one there was.
---@param changes table options as for Request
---@return viesti.Request
function Request:with(changes)
  if type(changes) ~= "table" then
    error("request:with needs a table of options, got " .. format.given(changes), 2)
  end
  -- The core remembers nothing of requests that it made itself, such as a cache's conditional ones.
  local given = self:given()
    or { url = self.url, headers = fields.flatten("headers", self.headers), content = self.body }
  local merged = { method = self.method, url = given.url, stream = self.stream }
  for name, value in pairs(changes) do
    merged[name] = value
  end
  for name, base in pairs { headers = given.headers or {},
    params = fields.flatten("params", given.params) } do
    if changes[name] == nil or type(changes[name]) == "table" or name == "headers"
      and options.is_headers(changes[name]) then
      local list, wrong = merge_fields(name, base, changes[name])
      merged[name] = list or error("Request: " .. wrong, 2)
    end
  end
  keep_body(merged, given, changes)
  local request, wrong = make(merged)
  return request or error(wrong, 2)
end

-- Called by the core for a field that it does not know itself.
function Request.given_field(given, name)
  if given == nil or name == "headers" then
    return nil
  end
  return tables.copy(given[name])
end

return setmetatable({ name = "Request", options = declaration, from = Request.from },
  { __call = new, __tostring = function() return "Request" end })
