--- What a response says of the rate limits that its server keeps, in the fields of
--- draft-ietf-httpapi-ratelimit-headers: the present form (`RateLimit: "name";r=9;t=30`,
--- `RateLimit-Policy: "name";q=10;w=60`) and the earlier ones (`limit=10, remaining=9, reset=30`; a
--- field for each), and X-RateLimit-*.
local core = require "viesti.core"

local LONGEST = 366 * 86400 -- seconds; who speaks of more means something else
local EPOCH_SECONDS, EPOCH_MILLISECONDS = 1e9, 1e12 -- from here on a number is a moment

local function number_of(text)
  local digits = text and text:match "^%s*(%d+)%.?%d*%s*$"
  return digits and #digits < 16 and tonumber(text) or nil
end

-- Calls visit(name, parameters) for each member of a list of strings with parameters.
local function each_member(value, visit)
  local position = 1
  while true do
    local name, from = value:match('^[%s,]*"([^"]*)"()', position)
    if not name then
      return
    end
    local parameters, to = value:match("^([^,\"]*)()", from)
    local known = {}
    for key, text in parameters:gmatch ";%s*([%l*][%w_.*-]*)=([^;]*)" do
      known[key] = number_of(text)
    end
    visit(name, known)
    position = value:match('^"[^"]*"[^,]*()', to) or to
  end
end

-- Of the present form: what is left by name, and where only the policy is told, all that it grants.
local function add_members(list, limit, policy)
  local windows, told = {}, {}
  each_member(policy, function(name, parameters)
    windows[name] = parameters
  end)
  each_member(limit, function(name, parameters)
    local seconds = parameters.t or (windows[name] or {}).w
    told[name] = true
    if parameters.r and seconds then
      list[#list + 1] = { name = name, left = parameters.r, seconds = seconds }
    end
  end)
  for name, parameters in pairs(windows) do
    if not told[name] and parameters.q and parameters.w then
      list[#list + 1] = { name = name, left = parameters.q, seconds = parameters.w }
    end
  end
end

-- Some send seconds, some the moment, some that in milliseconds.
local function seconds_until(response, number, wall)
  if not number or number < EPOCH_SECONDS then
    return number
  end
  local date = response.headers:get "Date"
  local moment = number < EPOCH_MILLISECONDS and number or number / 1000
  return moment - (date and core.parse_date(date) or wall)
end

local function add_plain(list, response, name, left, reset, wall)
  local seconds = seconds_until(response, number_of(reset), wall)
  if number_of(left) and seconds then
    list[#list + 1] = { name = name, left = number_of(left), seconds = seconds }
  end
end

--- What is left of each limit: a list of { name, left = requests, seconds = for so long }.
---@param response viesti.Response
---@param wall number seconds since 1970
---@return { name: string, left: number, seconds: number }[]
return function(response, wall)
  local headers, list = response.headers, {}
  local limit, policy = headers:get "RateLimit", headers:get "RateLimit-Policy"
  if limit or policy then
    limit = limit or ""
    add_members(list, limit, policy or "")
    add_plain(list, response, "", limit:match "remaining%s*=%s*(%d+)",
      limit:match "reset%s*=%s*(%d+)", wall)
  end
  for _, prefix in ipairs { "RateLimit-", "X-RateLimit-" } do
    add_plain(list, response, prefix, headers:get(prefix .. "Remaining"),
      headers:get(prefix .. "Reset"), wall)
  end
  local sensible = {}
  for _, window in ipairs(list) do
    if window.seconds > 0 and window.seconds <= LONGEST then
      window.left = math.floor(window.left)
      sensible[#sensible + 1] = window
    end
  end
  return sensible
end
