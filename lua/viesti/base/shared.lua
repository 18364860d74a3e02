--- Shared: the base of objects that several senders, and several chains, may have in common (a
--- budget, a limit). They print as they are built, and `describe` tells every option in force.
local class = require "viesti.base.class"
local format = require "viesti.base.format"

---@class viesti.Shared: viesti.Class
local Shared = class.new("Shared")

--- The object as a table: { class, options = { every option in force } }.
---@return table
function Shared:describe()
  local values = {}
  for _, spec in ipairs(self.options) do
    local value = self[spec.name]
    if value ~= nil then
      values[spec.name] = format.public(spec, value)
    end
  end
  return { class = self.name, options = values }
end

Shared.__tostring = function(self)
  return self.name .. format.options(self.options, self._given)
end

return Shared
