--- When a request may be sent again, by what its response says: Retry-After (RFC 9110 10.2.3), and
--- where that is missing the fields of rate limits that servers use instead.
local core = require "viesti.core"
local rate_limit_fields = require "viesti.message.rate_limit_fields"

local TURNED_AWAY = { [429] = true, [503] = true }

local function asked_for(response, wall)
  local value = response.headers:get "Retry-After"
  if not value then
    return nil
  end
  local moment = core.parse_date(value)
  return moment and rate_limit_fields.seconds_until(response, moment, wall)
    or rate_limit_fields.number(value)
end

--- Seconds until the request may be sent again; nil if the response says nothing that makes sense,
--- and math.huge where the number is past all reason. A date is compared with the response's own
--- Date, or with `wall`.
---@param response viesti.Response
---@param wall? number seconds since 1970
---@return number?
return function(response, wall)
  wall = wall or core.wall()
  return asked_for(response, wall)
    or TURNED_AWAY[response.status_code] and rate_limit_fields.wait(response, wall) or nil
end
