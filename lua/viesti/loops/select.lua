--- viesti under a loop around LuaSocket's `socket.select`, your own or Copas:
--- `require "viesti.loops.select".attach()`.
local core = require "viesti.core"
local socket = require "socket"

--- What attach returns. A to-be-closed variable that holds it is closed with its block.
---@class viesti.loops.select.Attachment
local Attachment = {}
Attachment.__index = Attachment

--- Puts `socket.select` back. Tasks that are under way stay where they are. Closing again does
--- nothing.
function Attachment:close()
  self.closed = true
  if socket.select == self then
    socket.select = self.select
  end
end

Attachment.__close = Attachment.close

-- LuaSocket's lists name each object by its position, and each position by its object.
local function take_out(list, object)
  table.remove(list, list[object])
  list[object] = nil
  for index, other in ipairs(list) do
    list[other] = index
  end
end

-- An attachment stands in the place of `socket.select`.
function Attachment:__call(readers, writers, timeout)
  if self.closed or core.current() or not (readers or writers) then
    return self.select(readers, writers, timeout)
  end
  local list = table.move(readers or {}, 1, #(readers or {}), 2, { self.watched })
  local readable, writable, problem = self.select(list, writers, timeout)
  if readable[self.watched] then
    take_out(readable, self.watched)
    self.loop:step(0)
    problem = not (readable[1] or writable[1]) and "timeout" or nil
  end
  return readable, writable, problem
end

--- Lets `socket.select` drive viesti's loop while it waits for the sockets in its lists. It then
--- also returns, as if its time were up, when viesti's loop had something to do. Without any list
--- it only waits, as ever. Code that had `socket.select` in a local variable before is not reached.
---@return viesti.loops.select.Attachment
local function attach()
  if getmetatable(socket.select) == Attachment and not socket.select.closed then
    error("viesti is attached to socket.select already", 2)
  end
  local self = setmetatable({ select = socket.select, loop = core.loop() }, Attachment)
  self.watched = { getfd = function() return self.loop:fd() end }
  socket.select = self
  return self
end

return { attach = attach }
