--- Keeping: the objects of a chain file that outlive its reload (stores, limits, sessions). What
--- the file names again, by the same constructor with the same options, is the same object; if it
--- does so several times, they are told apart by their order.
---
--- Each reading of the file has a *hold* on objects. What no hold has any more is closed.
local tables = require "viesti.base.tables"

---@class viesti.Keeping
---@field package holders table<any, integer> by object, how many holds have it
local Keeping = {}
Keeping.__index = Keeping

---@class viesti.Hold
local Hold = {}
Hold.__index = Hold

-- Plain tables are alike if what they hold is; all else has to be the same thing.
local function alike(a, b)
  local are_plain = type(a) == "table" and getmetatable(a) == nil
    and type(b) == "table" and getmetatable(b) == nil
  if not are_plain then
    return rawequal(a, b)
  end
  for key, item in pairs(a) do
    if not alike(item, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

local function same_again(hold, name, arguments)
  for _, entry in ipairs(hold.before) do
    if entry.name == name and not hold.taken[entry] and alike(entry.arguments, arguments) then
      hold.taken[entry] = true
      return entry.object
    end
  end
end

--- The object that was built before by that constructor, from the same arguments; else a new one.
---@param name string
---@param make fun(...): any
---@return any
function Hold:object(name, make, ...)
  local arguments = tables.copy(table.pack(...))
  local object = same_again(self, name, arguments)
  if object == nil then
    object = make(...)
  end
  self.entries[#self.entries + 1] = { name = name, arguments = arguments, object = object }
  local holders = self.keeping.holders
  holders[object] = (holders[object] or 0) + 1
  return object
end

--- The file has been read to its end.
function Hold:settle()
  self.before, self.taken = nil, nil
end

--- Gives up what it has, and closes what nobody else has, the last one first. A second time is
--- harmless.
function Hold:release()
  local entries, holders = self.entries, self.keeping.holders
  self.entries = {}
  for index = #entries, 1, -1 do
    local object = entries[index].object
    local others = (holders[object] or 1) - 1 -- not counted yet, where memory ran out
    holders[object] = others > 0 and others or nil
    if others == 0 and object.close then
      object:close()
    end
  end
end

--- A hold of nothing yet, for a reading of the file after the one that has `before`.
---@param before? viesti.Hold
---@return viesti.Hold
function Keeping:hold(before)
  return setmetatable({ keeping = self, before = before and before.entries or {}, taken = {},
    entries = {} }, Hold)
end

---@return viesti.Keeping
return function()
  return setmetatable({ holders = {} }, Keeping)
end
