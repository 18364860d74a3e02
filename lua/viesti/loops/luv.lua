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
  for _, handle in ipairs(self) do
    if not handle:is_closing() then
      handle:close()
    end
  end
end

Attachment.__close = Attachment.close

--- Lets the luv loop drive viesti's: tasks run, and requests proceed, while `uv.run` does. It keeps
--- `uv.run` from returning until it is closed.
---@return viesti.loops.luv.Attachment
local function attach()
  local loop = core.loop()
  local poll, timer, prepare = assert(uv.new_poll(loop:fd())), uv.new_timer(), uv.new_prepare()
  local function step()
    loop:step(0)
  end
  -- Just before luv waits: whatever its callbacks have added to viesti's loop counts.
  local function set_timer()
    local timeout = loop:timeout()
    if timeout then
      timer:start(math.ceil(timeout * 1000), 0, step)
    else
      timer:stop()
    end
  end
  poll:start("r", step)
  prepare:start(set_timer)
  return setmetatable({ poll, timer, prepare }, Attachment)
end

return { attach = attach }
