--- Client(sender, asynchronous): the base of API clients, and the outermost sender of a chain.
---
--- Where `asynchronous` asks for another kind than the chain's concrete sender has, the chain is
--- kept and only that sender is replaced, and a SenderConflictWarning says so.
local AsyncSender = require "viesti.senders.async"
local innermost = require "viesti.senders.innermost"
local ExtendingSender = require "viesti.senders.extending"
local Request = require "viesti.message.request"
local SyncSender = require "viesti.senders.sync"
local warnings = require "viesti.base.warnings"

---@class viesti.Client: viesti.ExtendingSender
---@field asynchronous boolean?
local Client = ExtendingSender:extend("Client", {
  { name = "sender", type = "sender",
    doc = "the chain to send with; a SyncSender if none is given" },
  { name = "asynchronous", type = "boolean",
    doc = "the kind of sender required; decides where it and the sender differ" },
})

-- One over the session of the given sender, which stays the giver's: closing the client does not
-- close it.
local function borrowing(Kind, session)
  local sender = Kind { session = session }
  sender.close = function() end
  return sender
end

-- The concrete sender of that kind in the place of `old`, and what the warning says of it.
local function instead_of(old, asynchronous)
  local Kind = asynchronous and AsyncSender or SyncSender
  if old.of_kind then
    return old:of_kind(asynchronous), "over one of its own of that kind"
  elseif old.session then
    return borrowing(Kind, old.session), ("over %s, with its session,"):format(Kind.name)
  end
  return Kind(), ("over a new %s, without what %s does,"):format(Kind.name, old.name)
end

-- The chain for that kind, and what the warning says of it.
local function rebuilt(chain, asynchronous)
  local stiff = innermost.stiff_layer(chain)
  if stiff then
    local sender = (asynchronous and AsyncSender or SyncSender)()
    return sender, ("all of it is replaced by a new %s, since %s has no with_sender"):format(
      sender.name, stiff.name)
  end
  local other, how = instead_of(innermost.of(chain), asynchronous)
  return innermost.replaced(chain, other), ("it is kept %s instead"):format(how)
end

local function resolve(self)
  local chain, asynchronous = self.sender, self.asynchronous
  if asynchronous == nil or asynchronous == chain.is_async then
    return self
  end
  local change
  self.sender, change = rebuilt(chain, asynchronous)
  Client.super.init(self)
  warnings.SenderConflictWarning:emit(
    ("%s: asynchronous = %s is asked for, but the chain ends in %s; %s"):format(
      self.name, asynchronous, innermost.of(chain).name, change))
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
  request = request or Request.from(request) -- which says what is missing
  return self.sender:send(request)
end

return Client
