--- When a request may be sent again, by what its response says: Retry-After (RFC 9110 10.2.3), and
--- where that is missing the fields of rate limits that servers use instead.
local core = require "viesti.core"

local LONGEST = 2 ^ 53 -- seconds; a number beyond is taken for no end at all
local EPOCH_SECONDS, EPOCH_MILLISECONDS = 1e9, 1e12 -- from here on a number is a moment

local function seconds_of(text)
  if not text:find "^%s*%d+%.?%d*%s*$" then
    return nil
  end
  local seconds = tonumber(text) + 0.0
  return seconds < LONGEST and seconds or math.huge
end

-- The server's own clock, if it says what that shows.
local function time_of(response, wall)
  local date = response.headers:get "Date"
  return date and core.parse_date(date) or wall or core.wall()
end

local function asked_for(response, wall)
  local value = response.headers:get "Retry-After"
  if not value then
    return nil
  end
  local moment = core.parse_date(value)
  return moment and math.max(0.0, moment - time_of(response, wall)) or seconds_of(value)
end

-- The longest of the waits of those limits that are used up, or of all if none says so: RateLimit
-- as `"name";r=0;t=30`, or in its earlier form `limit=10, remaining=0, reset=30`.
local function from_rate_limit(value)
  local used_up, any
  for member in (value:find "reset%s*=" and value:gsub(",", ";") or value):gmatch "[^,]+" do
    local wait = seconds_of(member:match ";%s*t=(%d+)" or member:match "reset%s*=%s*(%d+)" or "")
    local left = member:match ";%s*r=(%d+)" or member:match "remaining%s*=%s*(%d+)"
    if wait and tonumber(left) == 0 then
      used_up = math.max(used_up or 0, wait)
    elseif wait then
      any = math.max(any or 0, wait)
    end
  end
  return used_up or any
end

-- Some send seconds, some the moment, some that in milliseconds.
local function from_reset(response, value, wall)
  local number = seconds_of(value)
  if not number or number < EPOCH_SECONDS then
    return number
  end
  local moment = number < EPOCH_MILLISECONDS and number or number / 1000
  return math.max(0.0, moment - time_of(response, wall))
end

local TURNED_AWAY = { [429] = true, [503] = true }

--- Seconds until the request may be sent again; nil if the response says nothing that makes sense,
--- and math.huge where the number is past all reason. A date is compared with the response's own
--- Date, or with `wall`.
---@param response viesti.Response
---@param wall? number seconds since 1970
---@return number?
return function(response, wall)
  local headers = response.headers
  local seconds = asked_for(response, wall)
  if seconds or headers:get "Retry-After" or not TURNED_AWAY[response.status_code] then
    return seconds
  end
  local limit = headers:get "RateLimit"
  if limit then
    return from_rate_limit(limit)
  end
  local reset = headers:get "RateLimit-Reset" or headers:get "X-RateLimit-Reset"
  return reset and from_reset(response, reset, wall)
end
