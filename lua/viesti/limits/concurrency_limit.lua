--- ConcurrencyLimit(limit, queue): how many requests may be under way at once, by key; who comes
--- when there is no slot left waits in line. Several chains may share one.
---
--- Slots are counted, not handed about. Finalizers give them back too, in the middle of anything
--- that allocates memory, so no count here is between two states while something is allocated.
local core = require "viesti.core"
local format = require "viesti.base.format"
local request_key = require "viesti.limits.request_key"
local Shared = require "viesti.base.shared"
local waiting_line = require "viesti.limits.waiting_line"

---@class viesti.ConcurrencyLimit: viesti.Shared
---@field limit integer
---@field queue integer
local ConcurrencyLimit = Shared:extend("ConcurrencyLimit", {
  { name = "limit", type = "integer", required = true, min = 1,
    doc = "how many requests may be under way at once, for each key" },
  { name = "queue", type = "integer", default = 1000, min = 0,
    doc = "how many tasks may wait for each key; who comes after them fails at once" },
})

local MOST_KEYS = 1024 -- that are remembered while nothing is under way

-- The slots of a key: an object that is closed to give one of them back. `open` counts by who
-- opened them the streams that hold some, `waiting` has those who stand in line.
local Slots = {}
Slots.__index = Slots

-- Who sends: his task, or the coroutine that is none.
local function sender_now()
  return core.current() or coroutine.running()
end

local function has_ended(opener)
  if type(opener) == "thread" then
    return coroutine.status(opener) == "dead"
  end
  return opener:status() ~= "running"
end

local function leave_line(waiter)
  local slots = waiter.slots
  slots.line:leave(waiter)
  slots.waiting[waiter.opener] = nil
end

-- Gives one back: to who has waited longest, if anybody has.
local function give_back(slots)
  local used, waiter = slots.used - 1, slots.line.first
  if waiter and used < slots.limit then
    leave_line(waiter)
    waiter.granted = true
    if waiter.task then
      waiter.task:wake()
    end
  else
    slots.used = used
  end
end

Slots.__close = give_back

-- A slot that a stream holds until it ends, or is collected.
local Lease = {}

local function end_lease(lease)
  local slots, opener = lease.slots, lease.opener
  if slots then
    lease.slots, lease.opener = nil, nil
    slots.open[opener] = slots.open[opener] > 1 and slots.open[opener] - 1 or nil
    give_back(slots)
  end
end

Lease.__close, Lease.__gc = end_lease, end_lease

--- Keeps one more slot for as long as the response streams; the caller, who has one for the
--- request, gives that back as always.
---@param response viesti.Response
function Slots:keep_for(response)
  local lease = setmetatable({ slots = false, opener = false }, Lease)
  if core.on_end(response, lease) then
    local opener = sender_now()
    self.open[opener] = (self.open[opener] or 0) + 1
    self.used = self.used + 1
    lease.slots, lease.opener = self, opener
  end
end

-- One who waits: in line, or with a slot that he has not taken yet.
local Waiter = {}

Waiter.__close = function(waiter)
  if not waiter.granted then
    leave_line(waiter)
  elseif not waiter.taken then
    give_back(waiter.slots)
  end
end

local function join(slots)
  local waiter = setmetatable({ slots = slots, opener = sender_now(), granted = false,
    taken = false, late = false, task = false, before = false, behind = false }, Waiter)
  slots.waiting[waiter.opener] = true
  slots.line:join(waiter)
  return waiter
end

-- Whether every slot is held by a stream that was opened by the caller, by one who waits, or by one
-- who has ended.
local function are_held_by_waiting(slots)
  local held, caller = 0, sender_now()
  for opener, count in pairs(slots.open) do
    if opener == caller or slots.waiting[opener] or has_ended(opener) then
      held = held + count
    end
  end
  return held >= slots.limit
end

local function is_blocking(sender)
  local task = sender:spawn(function() end)
  return not (task and task:cancel())
end

local function refuse(self, key, request, sentence, ...)
  local subject = self.limit == 1 and "the one slot of %s is "
    or ("all %d slots of %%s are "):format(self.limit)
  return core.error("rate_limited", subject:format(format.value(key)) .. sentence:format(...),
    request, "no")
end

-- Why it is no use to wait, if it is none. Streams that nobody has any more are collected first.
local function obstacle(self, slots, key, sender, request)
  local is_blocked = is_blocking(sender)
  local are_stuck = is_blocked or are_held_by_waiting(slots)
  if are_stuck then
    collectgarbage()
  end
  if slots.used < self.limit then
    return nil
  elseif is_blocked then
    return refuse(self, key, request, "taken, and nobody gives one back while this call blocks: "
      .. "read or close the streamed responses that are still open")
  elseif are_stuck and core.is_stalled() then
    return refuse(self, key, request, "held by streamed responses that nobody is going to read "
      .. "while this call waits: read or close them first")
  elseif slots.line.length >= self.queue then
    return refuse(self, key, request, "taken, and %d more wait already", slots.line.length)
  end
end

local function park(waiter)
  waiter.task = core.current()
  while not (waiter.granted or waiter.late) do
    core.park()
  end
end

-- Where there is no task to park, one that is parked is waited for, which lets the others run.
local function await(waiter)
  if core.current() then
    park(waiter)
  else
    local parked <close> = core.spawn(park, waiter)
    parked:join()
  end
end

local function wake_at(sender, waiter, deadline)
  return sender:spawn(function()
    sender:sleep(deadline - sender:now())
    waiter.late = true
    if waiter.task then
      waiter.task:wake()
    end
  end)
end

local function wait(slots, sender, request)
  local deadline = request.deadline
  local waiter <close> = join(slots)
  local _ <close> = deadline and wake_at(sender, waiter, deadline) or nil
  await(waiter)
  if waiter.granted then
    waiter.taken = true
    return slots
  end
  return nil, core.error(waiter.late and "deadline" or "cancelled",
    waiter.late and "its deadline came before a slot was free" or "interrupted", request, "no")
end

local function forget_unused(self)
  for key, slots in pairs(self.keys) do
    if slots.used == 0 and slots.line.length == 0 then
      self.keys[key] = nil
      self.count = self.count - 1
    end
  end
end

local function new_slots(self, key)
  if self.count >= MOST_KEYS then
    forget_unused(self)
  end
  local slots = setmetatable({ limit = self.limit, used = 0, line = waiting_line(),
    open = setmetatable({}, { __mode = "k" }), waiting = {} }, Slots)
  self.keys[key] = slots
  self.count = self.count + 1
  return slots
end

function ConcurrencyLimit:init()
  self.keys, self.count = {}, 0
end

-- For the layer: a slot for the request, which is to be closed when that is over, or nil and an
-- error. It is the sender by whose clock, and in whose way, is waited.
function ConcurrencyLimit:acquire(key, sender, request)
  local slots = self.keys[key] or new_slots(self, key)
  if slots.used >= self.limit then
    local refusal = obstacle(self, slots, key, sender, request)
    if refusal then
      return nil, refusal
    elseif slots.used >= self.limit then
      return wait(slots, sender, request)
    end
  end
  slots.used = slots.used + 1
  return slots
end

--- How many requests of the key are under way, and how many wait.
---@param key string
---@return integer used, integer waiting
function ConcurrencyLimit:state(key)
  request_key.check("limit:state", key)
  local slots = self.keys[key]
  if not slots then
    return 0, 0
  end
  return slots.used, slots.line.length
end

return ConcurrencyLimit
