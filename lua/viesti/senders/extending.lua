--- ExtendingSender(sender): the base of layers. A layer has one `send`, straight-line, for sync and
--- async alike: it calls `self.sender:send(request)` and `self:sleep(seconds)`, and whether those
--- block or suspend is the concrete sender's affair.
local Sender = require "viesti.senders.sender"

---@class viesti.ExtendingSender: viesti.Sender
---@field sender viesti.Sender the inner sender
local ExtendingSender = Sender:extend("ExtendingSender", {
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
})

function ExtendingSender:init()
  -- Loaded here because SyncSender is a Sender too, but not a thing that this base is made of.
  self.sender = self.sender or require("viesti.senders.sync")()
  self.is_async = self.sender.is_async
end

function ExtendingSender:missing()
  if self.send == nil then
    return ("%s cannot be built: it does not define send"):format(self.name)
  end
end

--- Hands the request on. Layers replace this.
---@param request viesti.Request|table
---@return viesti.Response? response, viesti.Error? err
function ExtendingSender:send(request)
  return self.sender:send(request)
end

function ExtendingSender:sleep(seconds)
  return self.sender:sleep(seconds)
end

function ExtendingSender:now()
  return self.sender:now()
end

--- Closes the inner sender.
function ExtendingSender:close()
  return self.sender:close()
end

--- The same layer over another inner sender: options and shared state (a store, a limit) are kept.
---@param sender viesti.Sender
---@return viesti.ExtendingSender
function ExtendingSender:with_sender(sender)
  local copy = {}
  for key, value in pairs(self) do
    copy[key] = value
  end
  copy.sender = sender
  copy.is_async = sender.is_async
  return setmetatable(copy, getmetatable(self))
end

return ExtendingSender
