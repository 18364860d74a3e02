--- Who is asking: -u.
local content = require "viesti.command.content"
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"
local origin_of = require "viesti.message.origin"

local function origins_of(items)
  local origins, seen = {}, {}
  for _, item in ipairs(items) do
    local origin = item.request and origin_of(item.request.url)
    if origin and not seen[origin] then
      seen[origin] = true
      origins[#origins + 1] = origin
    end
  end
  return origins
end

--- The options of an AuthenticatingSender for these requests; false: nobody says who he is. Raises
--- failures.
---@param text string?
---@param items viesti.command.Item[]
---@return table|false
return function(text, items)
  if not text then
    return false
  end
  local line = content(text)
  line = line == text and line or line:match "^[^\r\n]*"
  local user, password = line:match "^([^:]*):(.*)$"
  if not user then
    failure.raise(exit_codes.USAGE, "-u wants USER:PASSWORD, there is no colon")
  end
  local origins = origins_of(items)
  return #origins > 0 and { basic = { user, password }, origins = origins }
end
