-- What is taken out of URLs, forms and JSON that are written down: what was JSON is JSON still, in
-- which no secret member has a text or a number, and nothing is taken out twice.
--
-- The input: a URL or a reference, a form or JSON.

local core = require "viesti.core"
local json = require "viesti.message.json"
local promise = require "spec.fuzz.promise"
local redaction = require "viesti.tracing.redaction"

local BASE = "https://example.org/"
local RULES = redaction.new { "pin" }
local SECRET = { token = true, password = true, pin = true, api_key = true }
local SHOWN = { string = true, number = true }

local function check_members(value)
  for key, item in pairs(type(value) == "table" and value or {}) do
    if type(key) == "string" and SECRET[key:lower()] and SHOWN[type(item)] then
      promise.same(redaction.MARK, item, key)
    end
    check_members(item)
  end
end

local function check_pairs(form)
  for name, value in form:gmatch "([^&#=]*)=([^&#]+)" do
    if SECRET[name:lower()] then
      promise.same(redaction.MARK, value, name)
    end
  end
end

-- A reference in a field leads to a URL whose user and password are not shown.
local function check_reference(text)
  local url = core.resolve_url(BASE, text)
  local public = url and RULES:url(url)
  promise.same(public, public and RULES:url(public), "a URL, once more")
  for _, shown in ipairs { RULES:field("Location", text), public } do
    local shown_url = core.resolve_url(BASE, shown)
    local credentials = shown_url and shown_url:match "^%a+://([^/?#]*)@"
    assert(not credentials or credentials:gsub("%%2[Aa]", "*") == "***", "credentials are shown")
  end
end

return function(text)
  check_reference(text)
  local form = RULES:form(text)
  promise.same(form, RULES:form(form), "a form, once more")
  check_pairs(form)
  local redacted = RULES:json(text)
  promise.same(redacted, RULES:json(redacted), "JSON, once more")
  if json.decode(text) ~= nil then
    local value, wrong = json.decode(redacted)
    assert(value ~= nil, wrong)
    check_members(value)
  end
end
