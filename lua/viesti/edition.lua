--- Edition: what one reading of a chain file made: its chain, and what is to be closed with that.
---
--- An edition that was replaced is finished when the last request has left it.
local class = require "viesti.class"
local core = require "viesti.core"

---@class viesti.Edition
---@field chain viesti.Sender?
---@field missing string[] sentences about the globals that the file has read and that are not there
---@field package under_way integer requests that have not ended
local Edition = {}
Edition.__index = Edition

--- What the file builds by the constructor `name`, kept over reloads. What its functions build
--- later is theirs.
function Edition:object(name, make, ...)
  if self.chain then
    return make(...)
  end
  return self.hold:object(name, make, ...)
end

-- A sender and its copies over other senders have what was given in common.

--- The file has built that sender.
function Edition:note(sender)
  if not self.chain then
    self.senders[sender._given] = true
  end
end

--- The file has made that class.
function Edition:note_class(Class)
  if not self.chain then
    self.classes[#self.classes + 1] = Class
  end
end

--- The file has read a global that is not there, of which the sentence tells.
function Edition:note_missing(name, sentence)
  if not self.chain and not self.missing[name] then
    self.missing[name] = true
    self.missing[#self.missing + 1] = sentence
  end
end

--- The file has returned that chain: the edition is complete.
function Edition:settle(chain)
  self.chain = chain
  self.hold:settle()
end

local function is_own(self, sender)
  if self.senders[sender._given] then
    return true
  end
  for _, Class in ipairs(self.classes) do
    if class.is(sender, Class) then
      return true
    end
  end
  return false
end

-- Closes the layers down to the first sender that is not the file's own, or whose session was given
-- to it: that one is closed by who has made it.
local function close_chain(self)
  local outer, sender = nil, self.chain
  while sender and is_own(self, sender) and not sender._given.session do
    outer, sender = sender, sender.sender
  end
  if not outer then
    return
  end
  outer.sender = sender and { close = function() end } or nil
  self.chain:close()
  outer.sender = sender
end

--- Closes what only this edition has. A second time is harmless.
function Edition:finish()
  if not self.finished then
    self.finished = true
    close_chain(self)
    self.hold:release()
  end
end

--- There is a newer one: this one ends with its last request.
function Edition:retire()
  self.retired = true
  if self.under_way == 0 then
    self:finish()
  end
end

local function leave(self)
  self.under_way = self.under_way - 1
  if self.retired and self.under_way == 0 then
    self:finish()
  end
end

--- A request begins; it ends when the edition, as a to-be-closed variable, is closed.
function Edition:enter()
  self.under_way = self.under_way + 1
  return self
end

Edition.__close = leave

-- A request whose response streams, until that ends or is collected.
local Lease = {}

local function end_lease(lease)
  local edition = lease.edition
  if edition then
    lease.edition = nil
    leave(edition)
  end
end

Lease.__close, Lease.__gc = end_lease, end_lease

--- The request goes on for as long as its response streams.
---@param response viesti.Response
function Edition:keep_for(response)
  local lease = setmetatable({}, Lease)
  if core.on_end(response, lease) then
    lease.edition = self:enter()
  end
end

--- An edition without a chain yet, which takes over what the one before has named alike.
---@param keeping viesti.Keeping
---@param before? viesti.Edition
---@return viesti.Edition
return function(keeping, before)
  return setmetatable({ hold = keeping:hold(before and before.hold), senders = {}, classes = {},
    missing = {}, under_way = 0, retired = false, finished = false }, Edition)
end
