--- DeadlineSender(max_time, sender): gives each request a moment at which all that is done for it
--- ends: waits, retries and what is on the wire.
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local Request = require "viesti.message.request"

---@class viesti.DeadlineSender: viesti.ExtendingSender
---@field max_time number
local DeadlineSender = ExtendingSender:extend("DeadlineSender", {
  { name = "max_time", type = "number", min = 0, required = true,
    doc = "seconds from when the request comes here until it has to be done; its own"
      .. " deadline holds where that comes first" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
})

function DeadlineSender:send(request)
  request = request or Request.from(request) -- which says what is missing
  return self.sender:send(core.request_with_limits(request, self.tell_time() + self.max_time))
end

return DeadlineSender
