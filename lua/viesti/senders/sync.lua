--- SyncSender(session): sends and blocks until the response is there.
local concrete = require "viesti.senders.concrete"
local core = require "viesti.core"

---@class viesti.SyncSender: viesti.Sender
---@field session viesti.Session
local SyncSender = concrete "SyncSender"

SyncSender.is_async = false

--- Sends the request and waits. Returns the response, or nil and an error object.
---@type fun(self: viesti.SyncSender, request: viesti.Request|viesti.Request.Options):
---  viesti.Response?, viesti.Error?
SyncSender.send = core.send_sync

return SyncSender
