--- ExtendingSender(sender): the base of layers. A layer has one `send`, straight-line, for sync and
--- async alike: it calls `self.sender:send(request)` and `self:sleep(seconds)`, and whether those
--- block or suspend is the concrete sender's affair.
local innermost = require "viesti.senders.innermost"
local core = require "viesti.core"
local format = require "viesti.base.format"
local option_types = require "viesti.base.option_types"
local Request = require "viesti.message.request"
local Sender = require "viesti.senders.sender"

local metatable_of = debug.getmetatable -- of userdata, too
local RESPONSE = debug.getmetatable(core.response { status_code = 200, fields = {} })

---@class viesti.ExtendingSender: viesti.Sender
---@field sender viesti.Sender the inner sender
local ExtendingSender = Sender:extend("ExtendingSender", {
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
  { name = "clock", type = "clock", by_name = true,
    doc = "what this layer and those around it tell the time by, and sleep on; for tests" },
})

-- A function that returns what `layer:now()` does, without going down the chain each time.
local function time_teller(layer)
  while layer.now == ExtendingSender.now and not layer.clock do
    layer = layer.sender
  end
  return layer.now == Sender.now and core.now or function() return layer:now() end
end

-- What follows from the inner sender.
local function stand_over(layer, sender)
  local circle = innermost.circle(sender)
  if circle then
    error(core.place() .. ("%s: the inner %s"):format(layer.name, circle), 0)
  end
  layer.sender, layer.is_async, layer.time_source = sender, sender.is_async, layer.clock or sender
  layer.tell_time = time_teller(layer)
end

--- Completes a new object. The `init` of a layer calls that of its parent first:
--- `Stamping.super.init(self)`.
function ExtendingSender:init()
  -- Loaded here because SyncSender is a Sender too, but not a thing that this base is made of.
  stand_over(self, self.sender or require("viesti.senders.sync")())
end

function ExtendingSender:missing()
  if self.send == nil then
    return ("%s cannot be built: it does not define send"):format(self.name)
  end
end

-- What an object lacks whose class has an init that does not call that of its parent.
function ExtendingSender:unfinished()
  if not self.time_source then
    return ("%s: its init must call %s.super.init(self)"):format(self.name, self.name)
  end
end

--- Hands the request on. Layers replace this.
---@param request viesti.Request|viesti.Request.Options
---@return viesti.Response? response, viesti.Error? err
function ExtendingSender:send(request)
  request = request or Request.from(request) -- which says what is missing
  return self.sender:send(request)
end

--- What an inner sender of the user's own answered, for a layer that looks into it: an error in
--- words becomes an error object, and anything that is neither response nor error is refused.
---@param request viesti.Request
---@param response any
---@param err any
---@return viesti.Response? response, viesti.Error? err
function ExtendingSender:check_answer(request, response, err)
  if response == nil then
    return nil, type(err) == "table" and err or core.error("script", err ~= nil and tostring(err)
      or ("send of %s returned nil and no error"):format(self.sender.name), request)
  elseif metatable_of(response) ~= RESPONSE then
    error(("%s%s: send of the inner %s must return a Response, or nil and an error, it returned %s")
      :format(core.place_of(self.sender.send), self.name, self.sender.name,
        format.given(response)), 0)
  end
  return response
end

function ExtendingSender:sleep(seconds)
  if self.clock then
    return self.clock.sleep(seconds)
  end
  return self.sender:sleep(seconds)
end

function ExtendingSender:spawn(fn, ...)
  return self.sender:spawn(fn, ...)
end

function ExtendingSender:now()
  return self.time_source.now(self.sender)
end

function ExtendingSender:wall()
  return self.time_source.wall(self.sender)
end

function ExtendingSender:random()
  return self.time_source.random(self.sender)
end

--- Closes the inner sender.
function ExtendingSender:close()
  return self.sender:close()
end

--- The same layer over another inner sender: options and shared state (a store, a limit) are kept.
---@param sender viesti.Sender
---@return viesti.ExtendingSender
function ExtendingSender:with_sender(sender)
  if not option_types.is_sender(sender) then
    error(core.place() .. "with_sender needs a sender, got " .. format.given(sender), 0)
  end
  local copy = {}
  for key, value in pairs(self) do
    copy[key] = value
  end
  setmetatable(copy, getmetatable(self))
  stand_over(copy, sender)
  copy.is_composed = true
  return copy
end

return ExtendingSender
