-- Warnings of a category, kept instead of printed, for the block of a to-be-closed variable:
--
--     local kept <close> = warnings.kept(viesti.TaskWarning)
--     kept.messages

local warnings = {}

local Kept = {}
Kept.__index = Kept

function Kept:__close()
  self.category:set(self.before)
end

function warnings.kept(category)
  local self = setmetatable({ category = category, messages = {} }, Kept)
  self.before = category:set(function(message)
    self.messages[#self.messages + 1] = message
  end)
  return self
end

return warnings
