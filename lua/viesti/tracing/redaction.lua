--- What is secret in a request and its response, for whoever writes them down: header fields,
--- params, and members of forms and JSON, by their names.
local core = require "viesti.core"

local redaction = {}

--- Stands in the place of a secret.
redaction.MARK = "REDACTED"

local NAMES = {
  "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token",
  "api-key", "api_key", "apikey", "access_token", "refresh_token", "id_token", "token",
  "auth_token", "password", "passwd", "secret", "client_secret", "client_assertion", "assertion",
  "code_verifier", "signature", "sig", "awsaccesskeyid", "x-amz-credential", "x-amz-signature",
  "x-amz-security-token", "x-goog-credential", "x-goog-signature",
}

-- How the names of further fields end that have credentials: Private-Token, X-Vault-Token,
-- Ocp-Apim-Subscription-Key. A page's token is none.
local ENDINGS = { "[-_]token$", "[-_]secret$", "[-_]password$", "[-_]apikey$", "[-_]api[-_]key$",
  "[-_]access[-_]key$", "[-_]auth[-_]key$", "[-_]subscription[-_]key$" }

local function has_credentials(field)
  for _, ending in ipairs(ENDINGS) do
    if field:find(ending) then
      return not field:find("page", 1, true)
    end
  end
  return false
end

-- Fields whose value is a URL, which may hold secrets in its turn.
local OF_URLS = { location = true, ["content-location"] = true, referer = true }

---@class viesti.Redaction
local Redaction = {}
Redaction.__index = Redaction

--- The rules, with further names.
---@param more? string[]
---@return viesti.Redaction
function redaction.new(more)
  local secret = {}
  for _, list in ipairs { NAMES, more or {} } do
    for _, name in ipairs(list) do
      secret[name:lower()] = true
    end
  end
  return setmetatable({ secret = secret }, Redaction)
end

local function decoded(name)
  return (name:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

--- A form, or the query of a URL: "a=1&token=REDACTED".
function Redaction:form(text)
  return (text:gsub("[^&#]+", function(pair)
    local name = pair:match "^([^=]*)=."
    return name and self.secret[decoded(name):lower()] and name .. "=" .. redaction.MARK or nil
  end))
end

-- A field's reference may have more slashes before its host, and leads there all the same; behind a
-- single one is a path, where no backslash stands for a second, and no tab hides it.
local function without_credentials(url)
  if url:find "^/[^/\\%c]" then
    return url
  end
  local start, rest = url:match "^([%w+.-]*:?//+)[^/?#]*@(.*)$"
  return start and start .. "***@" .. rest or core.public_url(url)
end

--- A URL, or a reference to one.
function Redaction:url(url)
  url = without_credentials(url)
  local question = url:find("?", 1, true)
  return question and url:sub(1, question) .. self:form(url:sub(question + 1)) or url
end

--- Whether a header field of that name has a secret in it.
---@param name string
---@return boolean
function Redaction:is_secret(name)
  local lower = name:lower()
  return self.secret[lower] or has_credentials(lower)
end

--- The value of a header field; `more`, if given, are the names of further secret ones.
---@param more? string[]
function Redaction:field(name, value, more)
  local lower = name:lower()
  if self:is_secret(name) then
    return redaction.MARK
  end
  for _, other in ipairs(more or {}) do
    if other:lower() == lower then
      return redaction.MARK
    end
  end
  return OF_URLS[lower] and self:url(value) or value
end

--- Header fields as a list of pairs { name, value }.
---@param headers viesti.Headers
---@param more? string[]
---@return string[][]
function Redaction:fields(headers, more)
  local list = {}
  for name, value in pairs(headers) do
    list[#list + 1] = { name, self:field(name, value, more) }
  end
  return list
end

-- Where the value that begins there ends, if it is a string, which may be cut off, or a number.
local function end_of_value(text, start)
  if text:sub(start, start) ~= '"' then
    return select(2, text:find("^[-%d][%d.eE+-]*", start))
  end
  local last = start
  repeat
    last = text:find('["\\]', last + 1)
    local escaped = last and text:byte(last) == 92
    last = escaped and last + 1 or last
  until not escaped
  return last or #text
end

-- A name may be written with escapes.
local function unescaped(name)
  return (name:gsub("\\u(%x%x%x%x)", function(digits) return utf8.char(tonumber(digits, 16)) end))
end

-- Bytes beside the secrets stay as they are.
function Redaction:json(text)
  local parts, position = {}, 1
  while true do
    local _, colon, name = text:find('"([^"]+)"%s*:%s*', position)
    if not colon then
      parts[#parts + 1] = text:sub(position)
      return table.concat(parts)
    end
    parts[#parts + 1] = text:sub(position, colon)
    position = colon + 1
    local last = self.secret[unescaped(name):lower()] and end_of_value(text, position)
    if last then
      parts[#parts + 1] = '"' .. redaction.MARK .. '"'
      position = last + 1
    end
  end
end

--- A body of that media type; without one it is JSON if it begins as JSON does.
---@param body string
---@param media_type string?
function Redaction:body(body, media_type)
  media_type = (media_type or ""):lower()
  if media_type == "" and body:find "^%s*[{%[]" then
    return self:json(body)
  end
  if media_type:find("x-www-form-urlencoded", 1, true) then
    return self:form(body)
  elseif media_type:find "[/+]json" then
    return self:json(body)
  end
  return body
end

return redaction
