--- Warnings: things a user should know that stop nothing. Each category is an object that says what
--- is done with its warnings.
local core = require "viesti.core"
local format = require "viesti.base.format"

---@class viesti.WarningCategory
---@field name string
local Category = {}
Category.__index = Category
Category.__name = "viesti.WarningCategory"

function Category:__tostring()
  return self.name
end

--- What to do with warnings of this category: "print" them to stderr (the default), raise them as
--- an "error", "ignore" them, or call a function with (message, category). Returns what was done
--- before.
---@param action "print"|"error"|"ignore"|fun(message: string, category: viesti.WarningCategory)
---@return string|function previous
function Category:set(action)
  local named = action == "print" or action == "error" or action == "ignore"
  if not named and type(action) ~= "function" then
    error(('%s:set needs "print", "error", "ignore" or a function, got %s'):format(
      self.name, format.given(action)), 2)
  end
  local previous = self.action
  self.action = action
  return previous
end

--- Emits a warning, which blames the user's line where the category raises.
---@param message string
function Category:emit(message)
  if type(self.action) == "function" then
    self.action(message, self)
  elseif self.action == "error" then
    error(core.place() .. self.name .. ": " .. message, 0)
  elseif self.action == "print" then
    io.stderr:write(self.name, ": ", message, "\n")
  end
end

local function category(name)
  return setmetatable({ name = name, action = "print" }, Category)
end

return {
  --- The sender given to a Client is not of the kind asked for.
  SenderConflictWarning = category "SenderConflictWarning",
  --- A connection is less safe than it could be.
  InsecureWarning = category "InsecureWarning",
  --- A chain file reads a name that means nothing, and so is nil.
  ChainFileWarning = category "ChainFileWarning",
  --- A store failed, and its cache works as if nothing were in it.
  StoreWarning = category "StoreWarning",
  --- A task failed and nobody joined it, or never ran to its end; or one blocks the others.
  TaskWarning = category "TaskWarning",
}
