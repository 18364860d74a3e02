--- RedirectingSender(max_redirects, sender): follows redirects (RFC 9110 15.4), to http and https
--- alone, and takes no secret to another origin. It stands outside the cache.
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local format = require "viesti.base.format"
local origin_of = require "viesti.message.origin"
local Request = require "viesti.message.request"

---@class viesti.Response
---@field history viesti.Response[]? the redirects that led here, first one first; nil if none did

---@class viesti.RedirectingSender: viesti.ExtendingSender
---@field max_redirects integer
---@field allow_downgrade boolean
---@field secret_headers string[]?
local RedirectingSender = ExtendingSender:extend("RedirectingSender", {
  { name = "max_redirects", type = "integer", default = 20, min = 0,
    doc = "redirects followed for one request; one more is the error redirect" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
  { name = "allow_downgrade", type = "boolean", default = false,
    doc = "follow a redirect from https to http" },
  { name = "secret_headers", type = "strings",
    doc = "further header fields that are for the first origin alone: a list of names" },
})

local FOLLOWED = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

-- RFC 9110 15.4, steps 2 and 3; so are all Proxy-* fields, and what the request names itself.
local FOR_ONE_ORIGIN = { "authorization", "cookie", "host" }

-- RFC 9110 15.4, step 5, and what frames a body; so are all Content-* fields.
local FOR_A_BODY = {
  ["digest"] = true, ["last-modified"] = true, ["transfer-encoding"] = true, ["expect"] = true,
}

function RedirectingSender:init()
  RedirectingSender.super.init(self)
  self.secrets = {}
  for _, list in ipairs { FOR_ONE_ORIGIN, self.secret_headers or {} } do
    for _, name in ipairs(list) do
      if type(name) ~= "string" or not core.is_token(name) then
        error("RedirectingSender: secret_headers must be a list of names of header fields, it has "
          .. format.given(name), 3)
      end
      self.secrets[name:lower()] = true
    end
  end
end

-- RFC 9110 15.4.2 to 15.4.4; what 301 and 302 do to a POST is what every browser does.
local function method_after(status, method)
  if status == 303 then
    return method == "HEAD" and method or "GET"
  elseif (status == 301 or status == 302) and method == "POST" then
    return "GET"
  end
  return method
end

-- The names, in lower case, of the request's own secrets.
local function own_secrets(request)
  local secrets = {}
  for _, name in ipairs(request.secret_headers or {}) do
    secrets[name:lower()] = true
  end
  return secrets
end

local function is_for_a_body(name)
  return FOR_A_BODY[name] or name:find "^content%-" ~= nil
end

local function is_downgrade(from, to)
  return from:find "^https:" ~= nil and to:find "^http:" ~= nil
end

-- A Referer in the clear may not tell of what was asked for over TLS (RFC 9110 10.1.3).
local function fields_for(self, request, url, keeps_body)
  local kept, secrets = {}, own_secrets(request)
  local crosses = origin_of(url) ~= origin_of(request.url)
  local downgrades = is_downgrade(request.url, url)
  for name, value in pairs(request.headers) do
    local lower = name:lower()
    local is_secret = self.secrets[lower] or secrets[lower] or lower:find "^proxy%-" ~= nil
    local is_withheld = crosses and is_secret or downgrades and lower == "referer"
    if not is_withheld and (keeps_body or not is_for_a_body(lower)) then
      kept[#kept + 1] = { name, value }
    end
  end
  for _, name in ipairs(request.omitted or {}) do
    kept[#kept + 1] = { name, false }
  end
  return kept
end

local WRITTEN_ANEW = {
  method = true, url = true, params = true, headers = true, data = true, json = true,
  content = true, multipart = true, length = true,
  factory = true,
}

-- The request at its new place; or nil and what is wrong. A streamed body is one that can be read
-- again: a file, or none.
local function moved(self, request, method, url)
  local keeps_body = method == request.method
  local options = {
    method = method, url = url, headers = fields_for(self, request, url, keeps_body),
  }
  for _, spec in ipairs(Request.options) do
    if not WRITTEN_ANEW[spec.name] then
      options[spec.name] = request[spec.name]
    end
  end
  if not keeps_body then
    return Request(options)
  end
  options.multipart = request.multipart
  options.content = request.body or request.content
  options.factory = request.factory
  local again, wrong = Request.resending(request, options)
  return again, wrong and "cannot be followed with the body: " .. wrong
end

-- Where the response sends us, nil if nowhere; or nil and what is wrong with it.
local function target_of(self, request, response)
  local locations = response.headers:get_all "Location"
  local base = origin_of(response.url) and response.url or request.url
  local target, wrong
  for _, location in ipairs(locations) do
    if location ~= locations[1] then
      return nil, "gives several places to go to"
    elseif location ~= "" then
      target, wrong = core.resolve_url(base, location)
    end
  end
  if wrong then
    return nil, "leads where nothing can be sent: " .. wrong
  elseif target and is_downgrade(base, target) and not self.allow_downgrade then
    return nil, "leads from https to http, which needs allow_downgrade"
  end
  return target
end

-- The request that follows a redirect, nil if none does; or nil and what is wrong with it.
local function following(self, request, response, followed)
  local target, wrong = target_of(self, request, response)
  local method = method_after(response.status_code, request.method)
  if not target or (method == request.method and not request:is_replayable()) then
    return nil, wrong
  elseif followed == self.max_redirects then
    return nil, ("is one more than max_redirects = %d"):format(self.max_redirects)
  end
  return moved(self, request, method, target)
end

local function refused(request, response, wrong)
  response:close()
  local err = core.error("redirect",
    ("the redirect (%d) %s"):format(response.status_code, wrong), request)
  err.sent = "maybe"
  return nil, err
end

function RedirectingSender:send(request)
  request = Request.from(request)
  local history
  while true do
    local response, err = self.sender:send(request)
    if not response then
      return self:check_answer(request, response, err)
    end
    local next_request, wrong
    if FOLLOWED[response.status_code] then
      next_request, wrong = following(self, request, response, history and #history or 0)
    end
    if wrong then
      return refused(request, response, wrong)
    elseif not next_request then
      return history and response:annotated(nil, { history = history }) or response
    end
    response:close() -- a streamed one would hold its connection
    history = history or {}
    history[#history + 1] = response
    request = next_request
  end
end

return RedirectingSender
