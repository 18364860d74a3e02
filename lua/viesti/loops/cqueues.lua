--- viesti under cqueues: `require "viesti.loops.cqueues".attach(controller)`, then
--- `controller:loop()`.
local condition = require "cqueues.condition"
local core = require "viesti.core"
local cqueues = require "cqueues"
local format = require "viesti.base.format"

--- What attach returns. A to-be-closed variable that holds it is closed with its block.
---@class viesti.loops.cqueues.Attachment
local Attachment = {}
Attachment.__index = Attachment

--- Detaches viesti; `controller:loop` then returns when its own coroutines are done. Tasks that are
--- under way stay where they are. Closing again does nothing.
function Attachment:close()
  self.closed = true
  self.closing:signal()
end

Attachment.__close = Attachment.close

--- Lets a controller drive viesti's loop: tasks run, and requests proceed, while it is stepped. It
--- keeps `controller:loop()` from returning until it is closed.
---@param controller userdata what cqueues.new returns
---@return viesti.loops.cqueues.Attachment
local function attach(controller)
  if cqueues.type(controller) ~= "controller" then
    error("attach needs a controller, as cqueues.new() returns it, got "
      .. format.given(controller), 2)
  end
  local loop, self = core.loop(), setmetatable({ closing = condition.new() }, Attachment)
  local readable = { pollfd = loop:fd(), events = "r" }
  controller:wrap(function()
    while not self.closed do
      cqueues.poll(readable, self.closing)
      loop:step(0)
    end
  end)
  return self
end

return { attach = attach }
