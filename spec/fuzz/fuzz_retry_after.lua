-- Retry-After, and the fields of rate limits next to it: a wait is a number of seconds that are not
-- negative, whatever unit a server thinks in; a window of a limit is one that can be kept.
--
-- The input: header fields, one a line.

local Response = require "viesti.message.response"
local promise = require "spec.fuzz.promise"
local rate_limit_fields = require "viesti.message.rate_limit_fields"
local retry_after = require "viesti.message.retry_after"

local NOW = 784111777
local LONGEST = 366 * 86400

local function fields_of(text)
  local fields = {}
  for line in text:gmatch "[^\n]+" do
    local name, value = line:match "^([%w-]+):%s*([^%c]-)%s*$"
    fields[#fields + 1] = name and { name, value } or nil
  end
  return fields
end

local function check_seconds(seconds)
  assert(type(seconds) == "number" and seconds >= 0, "no number of seconds")
end

return function(text)
  local fields = fields_of(text)
  for _, status in ipairs { 200, 429 } do
    local response = Response.build { status_code = status, headers = fields, url = "", body = "" }
    local seconds = response and retry_after(response, NOW)
    if seconds then
      check_seconds(seconds)
      promise.same(seconds, retry_after(response, NOW), "asked again")
    end
    for _, window in ipairs(response and rate_limit_fields.windows(response, NOW) or {}) do
      assert(type(window.name) == "string" and math.type(window.left) == "integer"
        and window.left >= 0, "no window")
      check_seconds(window.seconds)
      assert(window.seconds <= LONGEST, "a window without an end")
    end
  end
end
