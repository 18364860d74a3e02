--- DefaultsSender{ base_url, headers, params }: what all requests to one API have in common.
---
--- A relative URL goes below `base_url`. Headers and params are added where the request has none of
--- that name, and, if there is a `base_url`, only to what goes to its origin; no redirect takes
--- elsewhere then what may be a secret.
local added_fields = require "viesti.message.added_fields"
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
      .. "base_url they are secret_headers of the request, but for Accept and the like" },
  { name = "params", type = "table", secret_strings = true,
    doc = "names to values, or a list of pairs, for requests without a param of that name" },
  { name = "secret_headers", type = "strings",
    doc = "without base_url, which of the headers no redirect is to take to another origin" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
})

local function refuse(sentence, ...)
  error(core.place() .. "DefaultsSender: " .. sentence:format(...), 0)
end

local function pairs_of(name, given, blank)
  local list, wrong = fields.flatten(name, given, blank)
  return fields.pairs(list or refuse("%s", wrong))
end

-- What nobody keeps a secret in: it may go anywhere, and be written down.
local HARMLESS = {
  accept = true, ["accept-encoding"] = true, ["accept-language"] = true, ["cache-control"] = true,
  ["content-type"] = true, ["user-agent"] = true,
}

-- Of the options, and what is added to a request to the one origin.
local function secrets_of(self, added)
  local secrets = { table.unpack(self.secret_headers or {}) }
  for _, field in ipairs(self.origin and added or {}) do
    secrets[#secrets + 1] = not HARMLESS[field[1]:lower()] and field[1] or nil
  end
  return secrets
end

function DefaultsSender:init()
  DefaultsSender.super.init(self)
  if self.base_url then
    local normal, wrong = core.resolve_url(self.base_url, "")
    if not normal or normal:find "[?#]" then
      refuse("base_url must be the start of a URL, got %s%s",
        format.value(format.url(self.base_url)), wrong and ": " .. wrong or "")
    end
    self.base = normal:gsub("/$", "")
    self.origin = origin_of(normal)
  end
  self.fields = pairs_of("headers", self.headers, "none")
  self.query = pairs_of("params", self.params, "text")
  self.with_fields = added_fields.adder(self.fields, secrets_of(self, self.fields))
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

-- Whether the name stands in the query of the request's URL.
local function has_param(request, name)
  local query, encoded = request.url:match "%?([^#]*)" or "", core.encode(name)
  for there in query:gmatch "([^&=]+)=?[^&]*" do
    if there == encoded then
      return true
    end
  end
  return false
end

-- Those of the pairs whose names the request does not have; nil for none, the list itself for all.
local function missing(list, has, request)
  local left = list
  for index = 1, #list do
    local pair = list[index]
    if has(request, pair[1]) then
      left = left == list and table.move(list, 1, index - 1, 1, {}) or left
    elseif left ~= list then
      left[#left + 1] = pair
    end
  end
  return #left > 0 and left or nil
end

local function completed(self, request)
  local headers = missing(self.fields, core.request_decides, request)
  local params = missing(self.query, has_param, request)
  if not headers and not params then
    return request
  end
  if headers == self.fields and not params then
    return self.with_fields(request) -- what most requests are given
  end
  return request:with { headers = headers, params = params,
    secret_headers = added_fields.secrets(request, secrets_of(self, headers)) }
end

function DefaultsSender:send(request)
  local err
  request, err = absolute(self, request)
  if not request then
    return nil, err
  elseif not self.origin or core.origin(request) == self.origin then
    request = completed(self, request)
  end
  return self.sender:send(request)
end

return DefaultsSender
