--- Edition: what one reading of a chain file made: its chain, and what is to be closed with that.
---
--- An edition that was replaced is finished when the last request has left it.
local class = require "viesti.base.class"
local core = require "viesti.core"
local new_keeping = require "viesti.chains.keeping"

---@class viesti.Edition
---@field chain viesti.Sender?
---@field missing { name: string, place: string }[] globals that the file has read and that are nil
---@field package under_way integer requests that have not ended
---@field package all table<viesti.Edition, true> the ones of the same pipeline, while they live
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

--- The file has read a global that is nil, at that place.
function Edition:note_missing(name, place)
  if not self.chain and type(name) == "string" and not self.noted[name] then
    self.noted[name] = true
    self.missing[#self.missing + 1] = { name = name, place = place }
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

--- Finishes those before it as well, which may have requests under way.
function Edition:finish_all()
  for edition in pairs(self.all) do
    edition:finish()
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

Edition.__close = leave

--- Sends a request through the chain.
function Edition:send(request)
  self.under_way = self.under_way + 1
  local edition <close> = self
  local response, err = self.chain:send(request)
  local _, streams = core.outcome(response)
  if streams then
    edition:keep_for(response)
  end
  return response, err
end

-- A request that goes on for longer than `send`, until it is over or is collected.
local Lease = {}
Lease.__index = Lease

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
    lease.edition, self.under_way = self, self.under_way + 1
  end
end

--- What sends one request later, by its `send`, which goes through this edition's chain even if
--- there is a newer one by then.
function Edition:reserve()
  local lease = setmetatable({ edition = self }, Lease)
  self.under_way = self.under_way + 1
  return lease
end

function Lease:send(request)
  local lease <close> = self
  return lease.edition:send(request)
end

--- An edition without a chain yet, which takes over what the one before has named alike.
---@param before? viesti.Edition
---@return viesti.Edition
return function(before)
  local keeping = before and before.keeping or new_keeping()
  local all = before and before.all or setmetatable({}, { __mode = "k" })
  local edition = setmetatable({ all = all, keeping = keeping,
    hold = keeping:hold(before and before.hold), senders = {}, classes = {}, missing = {},
    noted = {}, under_way = 0, retired = false, finished = false }, Edition)
  all[edition] = true
  return edition
end
