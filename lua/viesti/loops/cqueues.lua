--- viesti under cqueues: `require "viesti.loops.cqueues".attach(controller)`, then
--- `controller:loop()`.
local condition = require "cqueues.condition"
local core = require "viesti.core"
local cqueues = require "cqueues"

local ROUNDING = 0.001 -- of loop:timeout()

--- What attach returns. A to-be-closed variable that holds it is closed with its block.
---@class viesti.loops.cqueues.Attachment
local Attachment = {}
Attachment.__index = Attachment

--- Detaches viesti; `controller:loop` then returns when its own coroutines are done. Tasks that are
--- under way stay where they are. Closing again does nothing.
function Attachment:close()
  if self.closed then
    return
  end
  self.closed = true
  self.changed:signal()
  local hook = cqueues.interpose("step", self.step)
  if hook ~= self.hook then -- somebody has interposed since, and calls ours
    cqueues.interpose("step", hook)
  end
end

Attachment.__close = Attachment.close

local function serve(self, loop)
  local readable = { pollfd = loop:fd(), events = "r" }
  while not self.closed do
    local timeout = loop:timeout() or math.huge
    self.due = cqueues.monotime() + timeout
    cqueues.poll(readable, self.changed, timeout)
    loop:step(0)
  end
end

--- Lets a controller drive viesti's loop: tasks run, and requests proceed, while it is stepped. It
--- keeps `controller:loop()` from returning until it is closed.
---@param controller userdata what cqueues.new returns
---@return viesti.loops.cqueues.Attachment
local function attach(controller)
  local loop, self = core.loop(), setmetatable({ changed = condition.new(), due = 0 }, Attachment)
  -- Just before the controller waits: whatever its coroutines have added to viesti's loop counts.
  function self.hook(stepped, timeout)
    local due = cqueues.monotime() + (loop:timeout() or math.huge)
    if stepped == controller and not self.closed and due < self.due - ROUNDING then
      self.changed:signal()
    end
    return self.step(stepped, timeout)
  end
  self.step = cqueues.interpose("step", self.hook)
  controller:wrap(serve, self, loop)
  return self
end

return { attach = attach }
