--- Request{ method, url, params, headers, data, json, content, ... }: an immutable value.
local body = require "viesti.message.body"
local core = require "viesti.core"
local fields = require "viesti.message.fields"
local format = require "viesti.base.format"
local option_types = require "viesti.base.option_types"
local options = require "viesti.base.options"
local tables = require "viesti.base.tables"

local declaration = {
  { name = "method", type = "string",
    doc = "the method, GET if not given; with a body it must be given; letters are made upper "
      .. "case" },
  { name = "url", type = "string", required = true,
    doc = "http or https, without spaces; what else may not stand in a URL is percent-encoded" },
  { name = "params", type = "table",
    doc = "names to values, or a list of pairs: added to the URL's query; true and false are sent "
      .. "as such, and a value may be a list" },
  { name = "headers", type = "table|headers",
    doc = "names to values, or a list of pairs; a value may be a list, or false: no such field is "
      .. "sent, not even the session's or libcurl's own" },
  { name = "data", type = "table",
    doc = "body: names to values, or a list of pairs, sent as a form" },
  { name = "json", type = "any", doc = "body: any value, sent as JSON" },
  { name = "content", type = "string|function|file",
    doc = "body: the bytes themselves; a function that returns them piece by piece, then nil; "
      .. "or an open file" },
  { name = "multipart", type = "table|multipart",
    doc = "body: names to values as in `data`, or open files; or a list of parts { name, "
      .. "content or path, filename, type, headers }, sent as multipart/form-data" },
  { name = "length", type = "integer", min = 0,
    doc = "bytes that a function in `content` will return in all; without it they go chunked" },
  { name = "factory", type = "boolean",
    doc = "the function in `content` returns a new function for each attempt, which supplies the "
      .. "bytes; so the request can be sent again" },
  { name = "timeout", type = "number", min = 0,
    doc = "seconds for the whole exchange, instead of the session's; 0 for no limit" },
  { name = "deadline", type = "number", min = 0,
    doc = "the moment, on the clock of sender:now(), at which all that is done for it ends: waits "
      .. "and retries, too; sender:now() + 5, say" },
  { name = "idempotent", type = "boolean",
    doc = "true: sending it twice does no harm, whatever its method" },
  { name = "stream", type = "boolean", default = false,
    doc = "return when the head is there; the body is read with response:chunks() or :read()" },
  { name = "on_progress", type = "function",
    doc = "called while the response's body comes, with the bytes so far and, if known, in all" },
  { name = "secret_headers", type = "strings",
    doc = "names of header fields that no redirect is to take to another origin" },
  { name = "ttl", type = "number", min = 0,
    doc = "seconds that a CachingSender keeps the response fresh, instead of its own `ttl`" },
}

--- What a caller may do with a request beyond reading its fields `method`, `url` (with its params),
--- `headers`, `omitted` (the names of fields not to be sent), `body`, `params`, `data`, `json`,
--- `content`, `multipart`.
---@class viesti.Request
local Request = core.Request

-- Called by the core when a streamed body is to be sent.
Request.open_source = body.open

local REMEMBERED = { params = true, data = true, json = true, content = true, length = true,
  factory = true, on_progress = true, secret_headers = true, ttl = true }

-- Every request has a Host (RFC 9112 3.2), and the cookies of a session are its own.
local NEVER_OMITTED = { host = true, cookie = true }

local function refused_omission(headers, name, read)
  if NEVER_OMITTED[name:lower()] or (read.parts and name:lower() == "content-type") then
    return ("headers: %s cannot be left out"):format(name)
  elseif #fields.without(headers, name) < #headers - 2 then
    return ("headers: %s is given and left out"):format(format.value(name))
  end
end

-- The names of the fields (flat) that are to be left out, nil for none; or nil and what is wrong
-- with that.
local function read_omitted(headers, read)
  local omitted
  for index = 1, #headers, 2 do
    if headers[index + 1] == false then
      local wrong = refused_omission(headers, headers[index], read)
      if wrong then
        return nil, wrong
      end
      omitted = omitted or {}
      omitted[#omitted + 1] = headers[index]
    end
  end
  return omitted
end

-- What must be remembered to read the options back and to make changed copies; nil for a request
-- without a body, params or a function. Header fields are those of the request itself, but for the
-- type that follows from the body.
local function remember(values, read, typed, omitted)
  local given = { url = values.url, typed = typed, omitted = omitted, multipart = read.parts }
  local more = read.parts ~= nil or omitted ~= nil
  for name, value in pairs(values) do
    if REMEMBERED[name] then
      given[name], more = tables.copy(value), true
    end
  end
  return more and given or nil
end

-- What the core is told beyond that; nil for most requests.
local function further(values, read)
  if read.source or read.parts or values.stream or values.timeout or values.on_progress
    or values.deadline or values.idempotent then
    return {
      source = read.source, length = read.length,
      again = read.source ~= nil and read.source.reader == nil, parts = read.parts,
      stream = values.stream, timeout = values.timeout, on_progress = values.on_progress,
      deadline = values.deadline, idempotent = values.idempotent,
    }
  end
end

local function build(values, source)
  local params, headers, read, omitted, wrong
  params, wrong = fields.flatten("params", values.params, "text")
  if params then
    headers, wrong = fields.flatten("headers", values.headers, "omit")
  end
  if headers then
    read, wrong = body.read(values, source)
  end
  if read then
    omitted, wrong = read_omitted(headers, read)
  end
  if wrong then
    return nil, wrong
  elseif read.parts and (fields.find(headers, "Content-Type") or ""):lower():find "boundary" then
    return nil, "headers: the boundary in Content-Type is chosen anew for each attempt"
  elseif not values.method and body.given(values) then
    return nil, 'a body needs a method, "POST" say'
  end
  local typed = read.media_type ~= nil and fields.find(headers, "Content-Type") == nil
  if typed then
    headers = fields.merge(headers, { "Content-Type", read.media_type })
  end
  return core.request((values.method or "GET"):upper(), values.url, fields.encode(params), headers,
    read.bytes, remember(values, read, typed, omitted), further(values, read))
end

-- What helps against what the core says is wrong with a URL.
local function hint(url, wrong)
  local is_relative = url:find "^/" and wrong:find("has no scheme", 1, true)
  return is_relative and "; it may be relative where a DefaultsSender with a base_url is outermost"
    or ""
end

-- The request of checked options, or nil and what is wrong. `source`: see body.read.
local function make(source, values, wrong)
  if not values then
    return nil, wrong
  elseif values.on_progress and values.stream then
    return nil, "Request: on_progress is for whole bodies; who streams one sees it come"
  end
  local request
  request, wrong = build(values, source)
  return request, wrong and "Request: " .. wrong .. hint(values.url, wrong)
end

local function new(_, ...)
  local given = ...
  if select("#", ...) == 1 and type(given) == "table" and getmetatable(given) == nil then
    return Request.from(given)
  end
  local request, wrong = make(nil, options.read("Request", declaration, ...))
  return request or error(core.place() .. wrong, 0)
end

-- Blames the user's line that called into the library, be it in a layer of his own.
local function refuse(sentence)
  error(core.place() .. sentence, 0)
end

-- What was likely meant.
local HINTS = {
  string = ", where { url = ... } was to be",
  ["nil"] = ": sender:send(request) takes a colon, and a request",
}

-- Called by the core for what is no Request yet, and no table that it reads by itself. `what` was
-- called with it, `send` if not said.
function Request.of_options(given, what)
  if type(given) == "table" and not option_types.is_sender(given) then
    local request, wrong = make(nil, options.read_table("Request", declaration, given))
    return request or refuse(wrong)
  end
  refuse(("%s: the request must be a Request or a table of its options, got %s%s"):format(
    what or "send", format.given(given), HINTS[type(given)] or ""))
end

-- True where a copy is to have no such name, and no more is said: it has a list of no values; or
-- false, for a field that no request can be without.
local function only_takes_away(what, name, value)
  return tables.is_list(value) and #value == 0
    or what == "headers" and value == false and NEVER_OMITTED[tostring(name):lower()]
end

-- The fields of `base` (flat) with those of `changes`, flat again; or nil and what is wrong.
local function merge_fields(what, base, changes)
  local kept, added = base or {}, {}
  if type(changes) == "table" and #changes == 0 then
    for name, value in pairs(changes) do
      if only_takes_away(what, name, value) then
        kept = fields.without(kept, tostring(name))
      else
        added[name] = value
      end
    end
  elseif changes ~= nil then
    added = changes
  end
  local flat, wrong = fields.flatten(what, added, what == "headers" and "omit" or "text")
  return flat and fields.merge(kept, flat), wrong
end

local OF_A_BODY = { "length", "factory", table.unpack(body.OPTIONS) }

-- A request of these options, whose body by pieces, if it has one, is that of `request` and is read
-- from where that was; or nil and what is wrong.
local function resending(request, choices)
  local _, source = core.request_given(request)
  local wrong = source and body.check_source(source)
  if wrong then
    return nil, "Request: " .. wrong
  end
  return make(source, options.read_table("Request", declaration, choices))
end

-- The options of a changed copy, but for the body that it keeps; or nil and what is wrong.
local function merge(request, given, changes)
  local headers = fields.flatten("headers", request.headers, "none")
  if given.typed then
    headers = fields.without(headers, "Content-Type")
  end
  for _, name in ipairs(given.omitted or {}) do
    headers = fields.merge(headers, { name, false })
  end
  local merged = { method = request.method, url = given.url or request.url, stream = request.stream,
    timeout = request.timeout, on_progress = given.on_progress,
    deadline = request.deadline, idempotent = request.idempotent,
    secret_headers = given.secret_headers, ttl = given.ttl }
  for name, value in pairs(changes) do
    merged[name] = value
  end
  for name, base in pairs { headers = headers,
    params = fields.flatten("params", given.params, "text") } do
    if changes[name] == nil or type(changes[name]) == "table" or name == "headers"
      and option_types.is_headers(changes[name]) then
      local list, wrong = merge_fields(name, base, changes[name])
      if not list then
        return nil, "Request: " .. wrong
      end
      merged[name] = fields.pairs(list)
    end
  end
  return merged
end

local function copy(request, changes)
  local given = core.request_given(request) or {}
  local merged, wrong = merge(request, given, changes)
  if not merged then
    return nil, wrong
  elseif body.given(changes) then
    if request.method == "GET" and not body.given(given) then
      merged.method = changes.method -- a GET made without a word about it, most likely
    end
    return make(nil, options.read_table("Request", declaration, merged))
  end
  for _, name in ipairs(OF_A_BODY) do
    merged[name] = merged[name] or given[name]
  end
  return resending(request, merged)
end

-- A copy at that URL and with these params (flat), which remembers them as given.
local function moved(request, url, params)
  local given = {}
  for name, value in pairs(core.request_given(request) or {}) do
    given[name] = value
  end
  given.url, given.params = url, fields.pairs(params)
  return core.request_moved(request, url, fields.encode(params), given)
end

-- A copy whose options need not be read anew, for the changes are few and plain. nil where they
-- have to be, or something is wrong, which is found in that way.
local function quick_copy(request, changes)
  local url, params = changes.url, changes.params
  if url == nil and params == nil then
    return core.request_changed(request, changes)
  elseif type(url or "") ~= "string" or type(params or {}) ~= "table" then
    return nil
  end
  local rest = {}
  for name, value in pairs(changes) do
    rest[name] = name ~= "url" and name ~= "params" and value or nil
  end
  local given = core.request_given(request) or {}
  local changed = core.request_changed(request, rest)
  local flat = changed
    and merge_fields("params", fields.flatten("params", given.params, "text"), params)
  return flat and moved(changed, url or given.url or request.url, flat)
end

--- A copy of the request with other options. Headers and params are merged by name: values given
--- here replace those of the name, and a list of none, `{}`, takes it away. false means what it
--- means to Request: a param's value is "false", a header is not sent at all. A body given here
--- replaces the one there was; a GET without one is given a method with it.
---@param changes table options as for Request
---@return viesti.Request
function Request:with(changes)
  core.check_type(self, "viesti.Request", "with")
  if type(changes) ~= "table" then
    error(core.place() .. "request:with needs a table of options, got " .. format.given(changes), 0)
  end
  local request, wrong = quick_copy(self, changes)
  if not request then
    request, wrong = copy(self, changes)
  end
  return request or error(core.place() .. wrong, 0)
end

-- Called by the core for a field that it does not know itself, of a request that remembers some.
function Request.given_field(given, name)
  return tables.copy(given[name])
end

return setmetatable({ name = "Request", options = declaration, from = Request.from,
  resending = resending }, { __call = new, __tostring = function() return "Request" end })
