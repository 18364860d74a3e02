--- What a response says of the rate limits that its server keeps, in the fields of
--- draft-ietf-httpapi-ratelimit-headers: the present form (`RateLimit: "name";r=9;t=30`,
--- `RateLimit-Policy: "name";q=10;w=60`) and the earlier ones (`limit=10, remaining=9, reset=30`; a
--- field for each), and X-RateLimit-*.
local core = require "viesti.core"

local LONGEST = 366 * 86400 -- seconds; who speaks of more means something else
local EPOCH_SECONDS, EPOCH_MILLISECONDS = 1e9, 1e12 -- from here on a number is a moment
local MOST = 2 ^ 53 -- a number beyond is taken for no end at all

local fields = {}

--- The number that a field is, also with decimals; nil if it is none, and math.huge where it is
--- past all reason.
---@param text string?
---@return number?
function fields.number(text)
  local digits = text and text:match "^%s*(%d+%.?%d*)%s*$"
  local number = digits and tonumber(digits) + 0.0
  return number and number >= MOST and math.huge or number
end

--- Seconds from the response, by its own Date if it has one, until a moment in seconds since 1970.
---@param response viesti.Response
---@param moment number
---@param wall number what it is now
---@return number
function fields.seconds_until(response, moment, wall)
  local date = response.headers:get "Date"
  return math.max(0.0, moment - (date and core.parse_date(date) or wall))
end

-- The parameters by name of each member of a list of names with parameters.
local function members_of(value)
  local members, position = {}, 1
  while true do
    local name, from = value:match('^[%s,]*"([^"]*)"()', position)
    if not name then
      name, from = value:match("^[%s,]*([^%s,;\"]+)()", position)
    end
    if not name then
      return members
    end
    local parameters, to = value:match("^([^,\"]*)()", from)
    members[name] = {}
    for key, text in parameters:gmatch ";%s*([%l*][%w_.*-]*)=([^;]*)" do
      members[name][key] = fields.number(text)
    end
    position = value:match('^"[^"]*"[^,]*()', to) or to
  end
end

-- Some send seconds, some the moment, some that in milliseconds.
local function seconds_of(response, text, wall)
  local number = fields.number(text)
  if not number or number < EPOCH_SECONDS or number == math.huge then
    return number
  end
  return fields.seconds_until(response,
    number < EPOCH_MILLISECONDS and number or number / 1000, wall)
end

local function add(list, name, left, seconds)
  if seconds then
    list[#list + 1] = { name = name, left = left, seconds = seconds }
  end
end

-- What is said of limits, of those with a policy as well: a list of { name, left, seconds }; and
-- the policies by name.
local function read(response, wall)
  local headers, list = response.headers, {}
  local limit = headers:get "RateLimit" or ""
  local policies = members_of(headers:get "RateLimit-Policy" or "")
  for name, parameters in pairs(members_of(limit)) do
    add(list, name, parameters.r, parameters.t or (policies[name] or {}).w)
    policies[name] = nil
  end
  add(list, "", fields.number(limit:match "remaining%s*=%s*(%d+)"),
    seconds_of(response, limit:match "reset%s*=%s*(%d+)", wall))
  for _, prefix in ipairs { "RateLimit-", "X-RateLimit-" } do
    add(list, prefix, fields.number(headers:get(prefix .. "Remaining")),
      seconds_of(response, headers:get(prefix .. "Reset"), wall))
  end
  return list, policies
end

--- What is left of each limit: a list of { name, left = requests, seconds = for so long }.
---@param response viesti.Response
---@param wall number seconds since 1970
---@return { name: string, left: number, seconds: number }[]
function fields.windows(response, wall)
  local list, policies = read(response, wall)
  for name, parameters in pairs(policies) do -- all that a policy grants, where only that is told
    add(list, name, parameters.q, parameters.w)
  end
  local sensible = {}
  for _, window in ipairs(list) do
    if window.left and window.left < MOST and window.seconds > 0 and window.seconds <= LONGEST then
      window.left = math.floor(window.left)
      sensible[#sensible + 1] = window
    end
  end
  return sensible
end

--- The longest of the times for which a limit that is used up lasts, or of all if none is said to
--- be; nil if nothing is said.
---@param response viesti.Response
---@param wall number seconds since 1970
---@return number? seconds
function fields.wait(response, wall)
  local used_up, any
  for _, window in ipairs((read(response, wall))) do
    if window.left == 0 then
      used_up = math.max(used_up or 0, window.seconds)
    else
      any = math.max(any or 0, window.seconds)
    end
  end
  return used_up or any
end

return fields
