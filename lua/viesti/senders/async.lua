--- AsyncSender(session): sends, and suspends the running task until the response is there. On the
--- main thread, where there is no task, it drives the loop meanwhile.
local concrete = require "viesti.senders.concrete"
local core = require "viesti.core"

---@class viesti.AsyncSender: viesti.Sender
---@field session viesti.Session
local AsyncSender = concrete "AsyncSender"

AsyncSender.is_async = true

--- Sends the request and waits without blocking other tasks. Returns the response, or nil and an
--- error object.
---@type fun(self: viesti.AsyncSender, request: viesti.Request|viesti.Request.Options):
---  viesti.Response?, viesti.Error?
AsyncSender.send = core.send_async

return AsyncSender
