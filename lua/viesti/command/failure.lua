--- How a command ends early: a sentence and an exit code, raised as one value, which is told from
--- what a fault raises.
local failure = {}

local Failure = { __name = "viesti.command.Failure" }

Failure.__tostring = function(self)
  return self.message
end

--- Raises it.
---@param code integer
---@param message string
function failure.raise(code, message)
  error(setmetatable({ code = code, message = message }, Failure), 0)
end

---@return boolean
function failure.is(value)
  return getmetatable(value) == Failure
end

--- What a misuse of the library raised, without the place, which is no line of the user's.
---@param raised any
---@return string
function failure.sentence(raised)
  return (tostring(raised):gsub("^[^\n:]*:%d+: ", ""):gsub("^%[C%]: ", ""))
end

return failure
