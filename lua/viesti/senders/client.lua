--- Client(sender, asynchronous): the base of API clients, and the outermost sender of a chain.
---
--- Where `asynchronous` asks for another kind than the chain's concrete sender has, the chain is
--- kept and only that sender is replaced, and a SenderConflictWarning says so.
local AsyncSender = require "viesti.senders.async"
local concrete = require "viesti.concrete"
local ExtendingSender = require "viesti.senders.extending"
local SyncSender = require "viesti.senders.sync"
local warnings = require "viesti.warnings"

---@class viesti.Client: viesti.ExtendingSender
---@field asynchronous boolean?
local Client = ExtendingSender:extend("Client", {
  { name = "sender", type = "sender",
    doc = "the chain to send with; a SyncSender if none is given" },
  { name = "asynchronous", type = "boolean",
    doc = "the kind of sender required; decides where it and the sender differ" },
})

local function resolve(self)
  if self.asynchronous == nil or self.asynchronous == self.sender.is_async then
    return self
  end
  local Kind = self.asynchronous and AsyncSender or SyncSender
  local old = concrete.of(self.sender)
  self.sender = concrete.replaced(self.sender, Kind { session = old.session })
  self.is_async = self.asynchronous
  warnings.SenderConflictWarning:emit(
    ("%s: asynchronous = %s is asked for, but the chain ends in %s; it is kept over %s instead")
      :format(self.name, self.asynchronous, old.name, Kind.name))
  return self
end

function Client:init()
  if not self.sender then
    self.sender = self.asynchronous and AsyncSender() or SyncSender()
  end
  Client.super.init(self)
  resolve(self)
end

function Client:with_sender(sender)
  return resolve(Client.super.with_sender(self, sender))
end

function Client:send(request)
  return self.sender:send(request)
end

return Client
