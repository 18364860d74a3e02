--- ConcurrencyLimitingSender(limit, queue, key, sender): no more than so many requests at once to
--- an origin; others wait for their turn.
---
--- A request is under way until its response is there, and a streamed one until that has been read,
--- has failed, is closed or collected.
local class = require "viesti.base.class"
local ConcurrencyLimit = require "viesti.limits.concurrency_limit"
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local Request = require "viesti.message.request"
local request_key = require "viesti.limits.request_key"

---@class viesti.ConcurrencyLimitingSender: viesti.ExtendingSender
---@field key string|(fun(request: viesti.Request): string?)|nil
---@field slots viesti.ConcurrencyLimit
local ConcurrencyLimitingSender = ExtendingSender:extend("ConcurrencyLimitingSender", {
  { name = "limit", type = "integer|ConcurrencyLimit", required = true, min = 1,
    doc = "how many requests may be under way at once, for each key; or a ConcurrencyLimit to "
      .. "share that with other chains" },
  { name = "queue", type = "integer", min = 0,
    doc = "how many tasks may wait for each key, 1000 if nothing is given; who comes after them "
      .. "fails at once (`rate_limited`)" },
  request_key.spec,
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
})

function ConcurrencyLimitingSender:init()
  ConcurrencyLimitingSender.super.init(self)
  if not class.is(self.limit, ConcurrencyLimit) then
    self.slots = ConcurrencyLimit { limit = self.limit, queue = self.queue }
  elseif self.queue then
    error(core.place() .. "ConcurrencyLimitingSender: queue is an option of the ConcurrencyLimit "
      .. "that was given", 0)
  else
    self.slots = self.limit
  end
  self.key_of = request_key.of(self.name, self.key)
end

function ConcurrencyLimitingSender:send(request)
  request = request or Request.from(request) -- which says what is missing
  local key, whole = self.key_of(request)
  if not key then
    return self.sender:send(whole)
  end
  local slots <close>, refusal = self.slots:acquire(key, self, whole)
  if not slots then
    return nil, refusal
  end
  local response, err = self.sender:send(whole)
  local _, streams = core.outcome(response)
  if streams then
    slots:keep_for(response)
  end
  return response, err
end

return ConcurrencyLimitingSender
