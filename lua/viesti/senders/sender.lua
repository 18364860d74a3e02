--- Sender: the interface of everything that sends. Extend it to make a concrete sender.
local chain_order = require "viesti.senders.order"
local class = require "viesti.base.class"
local innermost = require "viesti.senders.innermost"
local core = require "viesti.core"
local format = require "viesti.base.format"

---@class viesti.Sender: viesti.Class
---@field is_async boolean whether `send` suspends the running task instead of blocking
local Sender = class.new("Sender")

Sender.is_async = false

--- Why the class cannot be built, or nil if it can.
---@return string?
function Sender:missing()
  if self == Sender then
    return "Sender is abstract: extend it and define send, or use SyncSender or AsyncSender"
  elseif self.send == nil then
    return ("%s cannot be built: it does not define send"):format(self.name)
  end
end

--- Waits, as a request would: a task lets others run meanwhile, a synchronous caller blocks.
---@param seconds number
function Sender:sleep(seconds)
  return (self.is_async and core.sleep or core.block)(seconds)
end

--- Starts a function as a task beside the caller, where `send` suspends tasks; nil where it blocks.
---@param fn function
---@return viesti.Task?
function Sender:spawn(fn, ...)
  return self.is_async and core.spawn(fn, ...) or nil
end

--- Seconds on a clock that never steps; only differences mean something.
---@return number
function Sender:now()
  return core.now()
end

--- Seconds since 1970 by the clock on the wall, which may step.
---@return number
function Sender:wall()
  return core.wall()
end

--- A random number from 0 to 1, 1 not included.
---@return number
function Sender:random()
  return math.random()
end

--- Gives back what the sender holds; sending is over after that. Closing twice is harmless.
function Sender:close() end

Sender.__close = function(self)
  self:close()
end

--- What a declared option of the sender is now.
---@param name string
---@return any
function Sender:option(name)
  return self[name]
end

-- The inner sender; nil: there is none, or none that has an end.
local function inner_of(sender)
  return not innermost.circle(sender) and sender.sender or nil
end

--- The sender as a table: { class, options = { every option in force }, sender = { ... } }.
---@return table
function Sender:describe()
  local values = {}
  for _, spec in ipairs(self.options) do
    local value = self:option(spec.name)
    if spec.name ~= "sender" and value ~= nil then
      values[spec.name] = format.public(spec, value)
    end
  end
  local inner = inner_of(self)
  return { class = self.name, options = values, sender = inner and inner:describe() }
end

--- What is wrong with the order of the layers, each in a sentence; an empty list if nothing is.
---@return string[]
function Sender:check()
  local circle = innermost.circle(self)
  return circle and { circle } or chain_order(self)
end

-- In the form that builds it: what was given, and the inner sender.
Sender.__tostring = function(self)
  return self.name .. format.options(self.options, self._given, inner_of(self))
end

return Sender
