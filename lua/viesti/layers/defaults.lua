--- DefaultsSender{ base_url, headers, params }: what all requests to one API have in common.
---
--- A relative URL goes below `base_url`. Headers and params are added where the request has none of
--- that name, and, if there is a `base_url`, only to what goes to its origin; no redirect takes the
--- headers elsewhere then: a secret among them is not for others.
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local fields = require "viesti.message.fields"
local format = require "viesti.base.format"
local option_types = require "viesti.base.option_types"
local origin_of = require "viesti.message.origin"
local Request = require "viesti.message.request"

---@class viesti.DefaultsSender: viesti.ExtendingSender
---@field base_url string?
local DefaultsSender = ExtendingSender:extend("DefaultsSender", {
  { name = "base_url", type = "string",
    doc = "what a relative URL is appended to, with one slash between" },
  { name = "headers", type = "table", secret_strings = true,
    doc = "names to values, or a list of pairs, for requests without a field of that name; with "
      .. "base_url no redirect takes them to another origin" },
  { name = "params", type = "table", secret_strings = true,
    doc = "names to values, or a list of pairs, for requests without a param of that name" },
  { name = "secret_headers", type = "strings",
    doc = "without base_url, which of the headers no redirect is to take to another origin" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
})

local function refuse(sentence, ...)
  error(core.place() .. "DefaultsSender: " .. sentence:format(...), 0)
end

local function flat(name, given, blank)
  local list, wrong = fields.flatten(name, given, blank)
  return list or refuse("%s", wrong)
end

function DefaultsSender:init()
  DefaultsSender.super.init(self)
  if self.base_url then
    local normal, wrong = core.resolve_url(self.base_url, "")
    if not normal or normal:find "[?#]" then
      refuse("base_url must be the start of a URL, got %s%s", format.value(self.base_url),
        wrong and ": " .. wrong or "")
    end
    self.base = normal:gsub("/$", "")
    self.origin = origin_of(normal)
  end
  self.fields = flat("headers", self.headers, "none")
  self.query = flat("params", self.params, "text")
end

local function is_absolute(url)
  return url:find "^%a[%w+.-]*://" ~= nil
end

-- Dots in a path may not lead out of the API: what they stand in may be somebody else's text.
local function is_below(self, url)
  local rest = url:sub(#self.base + 1)
  local path = rest:match "^[^?#]*":lower():gsub("%%2e", ".")
  return url:sub(1, #self.base) == self.base and (rest == "" or rest:find "^[/?#]" ~= nil)
    and not (path .. "/"):find("/../", 1, true)
end

-- The options of a request whose URL is relative are not those of a Request yet. Or nil and an
-- error.
local function absolute(self, request)
  local url = type(request) == "table" and not option_types.is_sender(request) and request.url
  if type(url) ~= "string" or not self.base or is_absolute(url) then
    return Request.from(request)
  end
  local given = {}
  for name, value in pairs(request) do
    given[name] = value
  end
  local is_bare = url == "" or url:find "^[?#]" ~= nil
  given.url = self.base .. (is_bare and url or "/" .. url:gsub("^/", ""))
  local made = Request.from(given)
  if not is_below(self, made.url) then
    return nil, core.error("refused", "the URL leads out of " .. core.public_url(self.base), made)
  end
  return made
end

local function has_field(request, name)
  for _, omitted in ipairs(request.omitted or {}) do
    if omitted:lower() == name:lower() then
      return true
    end
  end
  return request.headers[name] ~= nil
end

-- Names as they stand in the query.
local function names_in_query(url)
  local names = {}
  for name in (url:match "%?([^#]*)" or ""):gmatch "([^&=]+)=?[^&]*" do
    names[name] = true
  end
  return names
end

-- Those of the flat list whose names are not there, as a list of pairs; nil for none.
local function missing(list, is_there)
  local pairs_of
  for index = 1, #list, 2 do
    if not is_there(list[index]) then
      pairs_of = pairs_of or {}
      pairs_of[#pairs_of + 1] = { list[index], list[index + 1] }
    end
  end
  return pairs_of
end

-- Of the request, of the options, and what was added to a request to the one origin.
local function secrets_of(self, request, added)
  local secrets = request.secret_headers or {}
  for _, name in ipairs(self.secret_headers or {}) do
    secrets[#secrets + 1] = name
  end
  for _, field in ipairs(self.origin and added or {}) do
    secrets[#secrets + 1] = field[1]
  end
  return #secrets > 0 and secrets or nil
end

local function completed(self, request)
  local headers = missing(self.fields, function(name)
    return has_field(request, name)
  end)
  local names = names_in_query(request.url)
  local params = missing(self.query, function(name)
    return names[core.encode(name)]
  end)
  if not headers and not params then
    return request
  end
  return request:with { headers = headers, params = params,
    secret_headers = secrets_of(self, request, headers) }
end

function DefaultsSender:send(request)
  local err
  request, err = absolute(self, request)
  if not request then
    return nil, err
  elseif not self.origin or origin_of(request.url) == self.origin then
    request = completed(self, request)
  end
  return self.sender:send(request)
end

return DefaultsSender
