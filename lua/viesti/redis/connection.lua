--- One connection, which all tasks of a state share: whoever has something to ask queues it, and a
--- task of the connection's own, the pump, sends what was queued, and hands the replies out in the
--- order of the questions. Outside of tasks whoever asks does that work, blocking.
local core = require "viesti.core"
local wire = require "viesti.stores.redis"

---@class viesti.redis.Connection
local Connection = {}
Connection.__index = Connection

-- How the work is waited with.
local IN_TASKS = { wait = core.wait_descriptor, pause = coroutine.yield }
local BLOCKING = { wait = wire.wait, pause = function() end }

-- Seconds.
local SHORTEST_WAIT = 0.05

local NO_MEMORY = "there is no memory for what is to be sent"

-- What the server may refuse of the first commands and yet be of use for reading.
local TOLERATED = { OOM = true, MISCONF = true, READONLY = true }

--- place: { path } or { host, port }, the most seconds that anything takes, and { text, wanted } of
--- the first commands as its greeting; opened: called when those were accepted; failed: called when
--- it was of no more use.
---@return viesti.redis.Connection
local function new(place, opened, failed)
  return setmetatable({
    place = place, opened = opened, failed = failed,
    pid = wire.pid(), ready = false, waiting = false,
    slots = {}, first = 1, last = 0,
  }, Connection)
end

-- Seconds for the first question: some at least from when it is first waited for, since it may
-- have been other tasks that took the time before that.
local function left(self)
  local slot, now = self.slots[self.first], core.now()
  if not slot then
    return self.place.timeout
  elseif not slot.waited_for then
    slot.waited_for = true
    slot.deadline = math.max(slot.deadline, now + math.min(SHORTEST_WAIT, self.place.timeout))
  end
  return math.max(0, slot.deadline - now)
end

local function finish_first(self)
  local slot = self.slots[self.first]
  self.slots[self.first] = nil
  self.first = self.first + 1
  slot.done = true
  if slot.task then
    slot.task:wake()
  end
  if slot.after then
    slot.after()
  end
end

local function too_late(self)
  return ("nothing came within %g s (timeout)"):format(self.place.timeout)
end

-- Addresses of a name, looked up by a thread; but for the one whose are known (RFC 6761 6.3).
local function look_up(self, driver)
  if self.place.host:lower() == "localhost" then
    return { "127.0.0.1", "::1" }
  end
  local fd, reason
  local _ <close> = setmetatable({}, { __close = function()
    if fd then
      wire.close(fd)
    end
  end }) -- before there is a descriptor that could get lost
  fd, reason = wire.resolve(self.place.host)
  if not fd then
    return nil, reason
  end
  if not driver.wait(fd, "r", left(self)) then
    return nil, "its name is looked up for too long"
  end
  local lines = wire.read_addresses(fd)
  local list = {}
  for line in lines:gmatch "[^\n]+" do
    list[#list + 1] = line
  end
  local problem = (list[1] or "-nothing is known of it"):match "^%-(.*)"
  if problem then
    return nil, problem
  end
  return list
end

local function finish_connecting(self, driver)
  if not driver.wait(self.wire:fd(), "w", left(self)) then
    return nil, too_late(self)
  end
  return self.wire:connected()
end

local function reach_address(self, driver, address)
  local started, reason = self.wire:connect_address(address, self.place.port)
  if not started then
    return started, reason
  end
  return finish_connecting(self, driver)
end

local function reach(self, driver)
  local place = self.place
  if place.path then
    local started, reason = self.wire:connect_path(place.path)
    if not started then
      return nil, reason
    end
    return finish_connecting(self, driver)
  end
  local reached, reason = reach_address(self, driver, place.host)
  if reached == false then
    local list
    list, reason = look_up(self, driver)
    for _, each in ipairs(list or {}) do
      reached, reason = reach_address(self, driver, each)
      if reached then
        break
      end
    end
  end
  return reached or nil, reason
end

-- Sends what is queued and waits for something to read.
local function exchange(self, driver)
  local sent, reason = self.wire:flush()
  if sent == nil then
    return nil, reason
  end
  if not driver.wait(self.wire:fd(), sent and "r" or "rw", left(self)) then
    return nil, too_late(self)
  end
  return true
end

-- Nothing else is sent before the server has said yes to the greeting: behind a SELECT that is
-- refused it would reach somebody else's data.
local function greet(self, driver)
  local greeting, answered = self.place.greeting, 0
  if not self.wire:queue(greeting.text) then
    return nil, NO_MEMORY
  end
  while answered < greeting.wanted do
    local ok, reason = exchange(self, driver)
    if not ok then
      return nil, reason
    end
    local got, reply
    repeat
      got, reply = self.wire:take()
      answered = answered + (got and 1 or 0)
      local refusal = got and type(reply) == "table" and (reply.err or "a list")
      if got == nil or refusal and not TOLERATED[refusal:match "^%u+"] then
        return nil, refusal or reply
      end
    until not got
  end
  return true
end

local function open(self, driver)
  if self.wire then
    self.wire:close()
  end
  self.wire = wire.connection()
  local reached, reason = reach(self, driver)
  if reached then
    reached, reason = greet(self, driver)
  end
  if not reached then
    return nil, reason
  end
  local waiting = table.move(self.slots, self.first, self.last, 1, {})
  self.ready, self.slots, self.first, self.last = true, {}, 1, 0
  self.opened() -- may have something to ask before all others
  for _, slot in ipairs(waiting) do
    self:submit(slot)
  end
  return true
end

-- Hands out what has come. Returns how many questions it answered.
local function receive(self)
  local count = 0
  while true do
    local got, reply = self.wire:take()
    if not got then
      return got == false and count or nil, reply
    end
    local slot = self.slots[self.first]
    if not slot then
      return nil, "it answers what was not asked"
    end
    slot.got = slot.got + 1
    slot[slot.got] = reply
    if slot.got == slot.wanted then
      finish_first(self)
      count = count + 1
    end
  end
end

local function step(self, driver)
  if self.pid ~= wire.pid() then
    return nil, "the process has forked"
  elseif not self.ready then
    return open(self, driver)
  end
  self.waiting = true
  local ok, reason = exchange(self, driver)
  self.waiting = false
  local count
  if ok then
    count, reason = receive(self)
  end
  if count and count > 0 then
    driver.pause() -- who goes on may ask more, which then goes out at once
  end
  return count, reason
end

-- Who waits for replies is told why there will be none: each, also where memory is short.
local function fail(self, reason)
  self.ready = false
  if self.wire then
    self.wire:close()
    self.wire = nil
  end
  local problem
  while self.first <= self.last do
    self.slots[self.first].reason = reason
    local fine, raised = pcall(finish_first, self)
    problem = problem or not fine and raised
  end
  self.first, self.last = 1, 0
  if problem then
    error(problem, 0)
  end
end

-- Until the one question is answered, or all are. Whoever blocks is the last to have asked.
local function work(self, driver, slot)
  while self.first <= self.last and not (slot and slot.done) do
    local fine, ok, reason = pcall(step, self, driver)
    if not (fine and ok) then
      fail(self, fine and reason or tostring(ok))
      self.failed()
    end
    if not fine then
      error(ok, 0) -- no affair of the server's: memory, or the user's interrupt
    end
  end
end

local function stop_pump(self)
  local pump = self.pump
  self.pump, self.waiting = nil, false
  if pump then
    pump:cancel()
  end
end

-- One that waits for the network knows nothing of what was queued since.
local function start_pump(self)
  if self.waiting then
    stop_pump(self)
  end
  if not self.pump then
    self.pump = core.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() self.pump = nil end })
      work(self, IN_TASKS)
    end)
  end
end

--- Ends it, whoever waits.
---@param reason string
function Connection:close(reason)
  stop_pump(self)
  fail(self, reason)
end

-- With nothing asked, there is nothing to read: else the server has closed it, or its replies
-- would be taken for those to other questions.
local function check_quiet(self)
  if self.ready and self.first > self.last and self.wire:take() ~= false then
    self.ready = false
  end
end

--- Queues a question: { text = of commands, wanted = how many replies, got = 0, deadline }, whose
--- list the replies become. Its `after` is called at the end, if it has one.
function Connection:submit(slot)
  check_quiet(self)
  if self.ready and not self.wire:queue(slot.text) then
    self:close(NO_MEMORY)
  end
  self.last = self.last + 1
  self.slots[self.last] = slot
end

--- Queues it and sends it as far as that is possible at once; what is replied is not waited for.
function Connection:post(slot)
  self:submit(slot)
  if self.ready then
    self.wire:flush()
  else
    self.slots[self.last], self.last = nil, self.last - 1
  end
end

--- Queues it and waits for its replies, or for the reason why there are none.
function Connection:ask(slot)
  slot.task = coroutine.isyieldable() and core.current()
  self:submit(slot)
  if slot.task then
    start_pump(self)
    repeat
      core.park()
    until slot.done
    return
  end
  stop_pump(self)
  work(self, BLOCKING, slot)
end

return new
