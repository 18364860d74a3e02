--- Whether a request could be sent once more after what came of it: for layers that do.
local core = require "viesti.core"

local resending = {}

--- Kinds of errors that another attempt, or another host, may not meet.
resending.PASSING = {
  resolve = true, connect = true, timeout = true, reset = true, empty_reply = true,
  truncated = true,
}

-- A body by a function is there until the function has been asked for it.
local function is_spent(request)
  local _, source = core.request_given(request)
  return source and source.spent
end

--- Whether its body is still there, after an attempt that ended so; no error: with a response.
---@param request viesti.Request
---@param err viesti.Error?
---@return boolean
function resending.has_body(request, err)
  if err and err.sent == "no" then
    return not is_spent(request)
  end
  return request:is_replayable()
end

return resending
