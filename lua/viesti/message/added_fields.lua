--- Header fields that a layer adds to many requests alike, and their names as secrets of those.
local core = require "viesti.core"

local added_fields = {}

--- The names of the request's secret fields and these; nil for none.
---@param request viesti.Request
---@param names string[]
---@return string[]?
function added_fields.secrets(request, names)
  local secrets = request.secret_headers or {} -- a copy
  table.move(names, 1, #names, #secrets + 1, secrets)
  return #secrets > 0 and secrets or nil
end

--- A function that returns a request with these fields in place of its own of these names. They are
--- read once, here, unless a request says more than most do.
---@param headers table as for Request
---@param secrets string[] names of those that are secrets
---@return fun(request: viesti.Request): viesti.Request
function added_fields.adder(headers, secrets)
  local prepared = core.prepare_fields(headers, #secrets > 0 and secrets or nil)
  return function(request)
    return prepared and core.request_with_fields(request, prepared)
      or request:with { headers = headers, secret_headers = added_fields.secrets(request, secrets) }
  end
end

return added_fields
