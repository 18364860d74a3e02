--- viesti under luv (libuv): `require "viesti.loops.luv".attach()`, then `uv.run()`.
local core = require "viesti.core"
local uv = require "luv"

--- What attach returns. A to-be-closed variable that holds it is closed with its block.
---@class viesti.loops.luv.Attachment
local Attachment = {}
Attachment.__index = Attachment

--- Detaches viesti; `uv.run` then returns when nothing else is left. Tasks that are under way stay
--- where they are. Closing again does nothing.
function Attachment:close()
  if not self.poll:is_closing() then
    self.poll:close()
  end
end

Attachment.__close = Attachment.close

--- Lets the luv loop drive viesti's: tasks run, and requests proceed, while `uv.run` does. It keeps
--- `uv.run` from returning until it is closed.
---@return viesti.loops.luv.Attachment
local function attach()
  local loop = core.loop()
  local poll, _, reason = uv.new_poll(loop:fd())
  if not poll then
    error(reason == "EEXIST" and "viesti is attached to luv's loop already"
      or "luv cannot poll viesti's loop: " .. tostring(reason), 2)
  end
  poll:start("r", function() loop:step(0) end)
  return setmetatable({ poll = poll }, Attachment)
end

return { attach = attach }
