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

local function is_polled(fd)
  local found = false
  uv.walk(function(handle)
    found = found or uv.handle_get_type(handle) == "poll" and not uv.is_closing(handle)
      and uv.fileno(handle) == fd
  end)
  return found
end

--- Lets the luv loop drive viesti's: tasks run, and requests proceed, while `uv.run` does. It keeps
--- `uv.run` from returning until it is closed.
---@return viesti.loops.luv.Attachment
local function attach()
  local loop = core.loop()
  if is_polled(loop:fd()) then
    error("viesti is attached to luv's loop already", 2)
  end
  local poll = assert(uv.new_poll(loop:fd()))
  poll:start("r", function() loop:step(0) end)
  return setmetatable({ poll = poll }, Attachment)
end

return { attach = attach }
