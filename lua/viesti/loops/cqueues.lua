--- viesti under cqueues: `require "viesti.loops.cqueues".attach(controller)`, then
--- `controller:loop()`.
local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local core = require "viesti.core"

local adapter = {}

local CLOCK_STEP = 0.001 -- of loop:timeout(), which rounds up

--- What attach returns. A to-be-closed variable that holds it is closed with its block.
---@class viesti.loops.cqueues.Attachment
local Attachment = {}
Attachment.__index = Attachment

--- Detaches viesti from the controller, whose loop has nothing left to wait for on its account.
--- Tasks that are under way stay where they are. Closing again does nothing.
function Attachment:close()
  self.closed = true
  self.changed:signal()
end

Attachment.__close = Attachment.close

local function serve(self)
  local loop = core.loop()
  local readable = { pollfd = loop:fd(), events = "r" }
  while not self.closed do
    local timeout = loop:timeout() or math.huge
    self.due = cqueues.monotime() + timeout
    cqueues.poll(readable, self.changed, timeout)
    if not self.closed then
      loop:step(0)
    end
  end
end
