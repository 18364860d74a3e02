--- AuthenticatingSender{ basic | bearer | token, sender = ... }: says who is asking, to the origins
--- it is meant for and no others. It stands outside the cache and inside RedirectingSender.
---
---   AuthenticatingSender{ token = function() return fetch_token() end }
---
--- `token` is called when a token is first needed, `renew_before` seconds before it expires, and
--- after a 401; by one task at a time, while the others wait for what it returns.
local added_fields = require "viesti.message.added_fields"
local base64 = require "viesti.message.base64"
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local format = require "viesti.base.format"
local origin_of = require "viesti.message.origin"
local single_flight = require "viesti.tasks.single_flight"

---@class viesti.AuthenticatingSender: viesti.ExtendingSender
---@field basic string[]? { user, password }
---@field token? fun(): string?, any
---@field renew_before number
---@field header string
local AuthenticatingSender = ExtendingSender:extend("AuthenticatingSender", {
  { name = "basic", type = "table", secret = true,
    form = '{ "user", "password" }', doc = "{ user, password } (RFC 7617)" },
  { name = "bearer", type = "string", secret = true, doc = "a token that does not expire" },
  { name = "token", type = "function",
    doc = "returns a token, and the seconds it is good for if known; or nil and an error" },
  { name = "renew_before", type = "number", default = 30, min = 0,
    doc = "seconds before its expiry that a token is replaced; half its life at most" },
  { name = "header", type = "string", default = "Authorization",
    doc = "the field to set; a token stands alone in any but Authorization" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
  { name = "origins", type = "strings",
    doc = "list of the origins to authenticate to; that of the first request if not given" },
})

local UNAUTHORIZED = 401

-- Fields that say where a request goes and how it is framed (RFC 9110 7.2, 7.6.1; RFC 9112 6).
local FRAMING = { host = true, connection = true, ["keep-alive"] = true, te = true, trailer = true,
  upgrade = true, expect = true, ["content-length"] = true, ["transfer-encoding"] = true }

local function refuse(message)
  error(core.place() .. "AuthenticatingSender: " .. message, 0)
end

local function basic_credentials(pair)
  local user, password = pair[1], pair[2]
  if type(user) ~= "string" or type(password) ~= "string" or #pair ~= 2 then
    refuse "basic must be { user, password }, two strings"
  elseif user:find ":" or (user .. password):find "%c" then -- RFC 7617 2
    refuse "basic must have no control characters, and no colon in the user's name"
  end
  return "Basic " .. base64(user .. ":" .. password)
end

local function is_token(value)
  return type(value) == "string" and value ~= "" and not value:find "[%c\x80-\xff]"
end

local function token_credentials(self, token)
  return self.header:lower() == "authorization" and "Bearer " .. token or token
end

local function read_origins(list)
  local origins = {}
  if #list == 0 then
    refuse "origins must have one at least"
  end
  for _, given in ipairs(list) do
    local request = core.request("GET", given)
    local origin = request and origin_of(request.url)
    if not origin or request.url ~= origin .. "/" then
      refuse("origins must be a list of origins such as \"https://api.example.org\", it has "
        .. format.given(format.url(given)))
    end
    origins[origin] = true
  end
  return origins
end

local function check_kind(self)
  local given = {}
  for _, name in ipairs { "basic", "bearer", "token" } do
    given[#given + 1] = self[name] ~= nil and name or nil
  end
  if #given == 0 then
    refuse "one of basic, bearer and token must be given"
  elseif #given > 1 then
    refuse(("%s are given; it takes one of them"):format(table.concat(given, " and ")))
  elseif not core.is_token(self.header) then
    refuse("header must be the name of a header field, got " .. format.given(self.header))
  elseif FRAMING[self.header:lower()] then
    refuse(("header must be a field for credentials, %s is not"):format(self.header))
  elseif self.bearer and not is_token(self.bearer) then
    refuse "bearer must be printable ASCII"
  end
end

function AuthenticatingSender:init()
  AuthenticatingSender.super.init(self)
  check_kind(self)
  -- Shared with the copies that with_sender makes.
  self.state = {
    origins = self.origins and read_origins(self.origins),
    credentials = self.basic and basic_credentials(self.basic)
      or self.bearer and token_credentials(self, self.bearer),
    renewal = single_flight(),
  }
end

-- Whether the credentials are for this request. The first one settles the origin where none is
-- named.
local function applies(self, request, origin)
  if core.request_decides(request, self.header) then
    return false
  end
  local state = self.state
  state.origins = state.origins or { [origin] = true }
  return state.origins[origin] ~= nil
end

local function refuse_token(self, wanted)
  error(core.place_of(self.token) .. "AuthenticatingSender: token must return " .. wanted, 0)
end

local function renew(self)
  local started = self:now()
  local token, detail = self.token()
  if token == nil and detail ~= nil then
    return nil, type(detail) == "string" and core.error("script", "no token: " .. detail) or detail
  elseif not is_token(token) then
    refuse_token(self, "printable ASCII, or nil and an error")
  elseif detail ~= nil and (type(detail) ~= "number" or detail ~= detail) then
    refuse_token(self, "the seconds it is good for as a number")
  end
  local state = self.state
  state.renew_at = detail and started + detail - math.min(self.renew_before, detail / 2)
  state.credentials = token_credentials(self, token)
  return state.credentials
end

local function credentials_of(self)
  local state = self.state
  if state.credentials and not (state.renew_at and self.tell_time() >= state.renew_at) then
    return state.credentials
  end
  return state.renewal:run(function() return renew(self) end)
end

-- The request with these credentials, which are a secret to a RedirectingSender inside, too.
local function with_credentials(self, request, credentials)
  local state = self.state
  if state.added ~= credentials then
    state.added = credentials
    state.add = added_fields.adder({ [self.header] = credentials }, { self.header })
  end
  return state.add(request)
end

-- What the inner sender makes of the request with these credentials; an error does not show them.
local function authenticated(self, request, credentials)
  local response, err = self.sender:send(with_credentials(self, request, credentials))
  if err and err.request and err.request.headers:get(self.header) == credentials then
    err.request = request
  end
  return response, err
end

-- Whether it was us that the response refuses; a redirect below may have led elsewhere.
local function is_refusal(self, response)
  if response.status_code ~= UNAUTHORIZED then
    return false
  end
  local origin = origin_of(response.url)
  return not origin or self.state.origins[origin]
end

function AuthenticatingSender:send(request)
  local origin
  origin, request = core.origin(request)
  if not applies(self, request, origin) then
    return self.sender:send(request)
  end
  local credentials, err = credentials_of(self)
  if not credentials then
    return nil, err
  end
  local response
  response, err = authenticated(self, request, credentials)
  if not response or not self.token or not is_refusal(self, response) then
    return response, err
  end
  local state = self.state
  if state.credentials == credentials then -- else another task has new ones already
    state.credentials = nil
  end
  if not request:is_replayable() then
    return response
  end
  response:close() -- a streamed one would hold its connection
  credentials, err = credentials_of(self)
  if not credentials then
    return nil, err
  end
  return authenticated(self, request, credentials)
end

return AuthenticatingSender
