--- Parts of a body: what header fields say about them (RFC 9110 8.8, 13.1.5, 14.4).
local core = require "viesti.core"

local ranges = {}

--- True for what a request for a part may be made sure by: an entity tag that is not weak, or a
--- date (RFC 9110 13.1.5).
function ranges.is_validator(text)
  return type(text) == "string"
    and (text:find '^"[\x21\x23-\x7e\x80-\xff]*"$' ~= nil or core.parse_date(text) ~= nil)
end

-- RFC 9110 8.8.2.2: a file may change twice in the second that its date names, so only a date that
-- was over when the response was made tells one content from another; by a minute, since the two
-- may have been read from different clocks.
local CLOCKS_DIFFER = 60

--- The strong validator of a response with these fields, or nil.
---@return string?
function ranges.strong_validator(headers)
  local tag, modified = headers:get "ETag", headers:get "Last-Modified"
  if tag then
    return ranges.is_validator(tag) and tag or nil
  end
  local date = headers:get "Date"
  local changed, sent = modified and core.parse_date(modified), date and core.parse_date(date)
  return changed and sent and sent - changed >= CLOCKS_DIFFER and modified or nil
end

--- True unless the fields name another validator of the same kind.
function ranges.may_be_of(validator, headers)
  local said = headers:get(validator:find '^"' and "ETag" or "Last-Modified")
  return said == nil or said == validator
end

local function whole_number(text)
  return math.tointeger(tonumber(text))
end

--- The first and the last position that a 206 holds, and the total, nil where the server does not
--- know it; nil if Content-Range is missing or makes no sense.
---@return integer? first, integer? last, integer? total
function ranges.satisfied(headers)
  local first, last, total = (headers:get "Content-Range" or ""):match
    "^[Bb][Yy][Tt][Ee][Ss] +(%d+)%-(%d+)/([%d*]+)$"
  first, last = whole_number(first), whole_number(last)
  local length = whole_number(total)
  if first and last and first <= last and (total == "*" or length and last < length) then
    return first, last, length
  end
end

--- The total that a 416 says, or nil.
---@return integer?
function ranges.unsatisfied(headers)
  return whole_number((headers:get "Content-Range" or ""):match "^[Bb][Yy][Tt][Ee][Ss] +%*/(%d+)$")
end

--- The bytes of a whole body, nil if nobody said: a chunked body has no length (RFC 9112 6.3), and
--- one that was decoded on the way has another.
---@param response viesti.Response
---@return integer?
function ranges.length(response)
  local headers = response.headers
  if headers:get "Transfer-Encoding" or response.encoding then
    return nil
  end
  return whole_number(headers:get "Content-Length")
end

return ranges
