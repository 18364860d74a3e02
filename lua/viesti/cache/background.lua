--- Work behind the back of a chain that blocks. Where nothing of Lua's stands between the cache and
--- the network, the core's thread asks, whatever the program does. Else the chain has an async twin
--- over the same session, whose tasks go on whenever the chain is used. Both end at the latest when
--- it is closed.
local AsyncSender = require "viesti.senders.async"
local class = require "viesti.base.class"
local innermost = require "viesti.senders.innermost"
local core = require "viesti.core"
local Session = require "viesti.transport.session"
local SyncSender = require "viesti.senders.sync"

local Background = {}
Background.__index = Background

--- Starts `fn(twin)` as a task and lets it go as far as it can without waiting.
---@param fn fun(twin: viesti.Sender)
---@return viesti.Task
function Background:start(fn)
  local task = core.spawn(fn, self.twin)
  self.tasks[task] = true
  self:go_on()
  return task
end

-- A jar of cookies is not for two threads.
local function open_refresher(self)
  local sender = self.sender.sender
  if sender.send ~= SyncSender.send or sender.session:given_options().cookies then
    return nil
  end
  local session = Session.twin(sender.session)
  return session and core.refresher(self.sender.cache, session)
end

--- Has the core ask for what the verdict of the cache is about, and take the answer in. False where
--- it cannot.
---@return boolean
function Background:ask(request, outgoing, verdict)
  if self.refresher == nil then
    self.refresher = open_refresher(self) or false
  end
  return self.refresher and not self.session:is_closed()
    and self.refresher:start(request, outgoing, verdict)
end

local function note_ended(self)
  for name in self.refresher.ended, self.refresher do
    self.asked_for(name)
  end
end

--- Lets the tasks go on as far as they can without waiting; not from inside a task, beside which
--- they go on anyway.
function Background:go_on()
  if self.refresher then
    note_ended(self)
  end
  if next(self.tasks) == nil or core.current() then
    return
  end
  core.loop():step(0)
  for task in pairs(self.tasks) do
    if task:status() ~= "running" then
      self.tasks[task] = nil
    end
  end
end

--- Waits for the end of all.
function Background:finish()
  local task = next(self.tasks)
  while task do -- what one of them sends may start others
    self.tasks[task] = nil
    task:join()
    task = next(self.tasks)
  end
  if self.refresher then
    self.refresher:close()
  end
end

--- Of a chain that begins with a CachingSender; nil for one that does not block. `asked_for` is
--- called with the name (`verdict:name`) of each that the core has asked for.
---@param sender viesti.CachingSender
---@param asked_for fun(name: string)
return function(sender, asked_for)
  local last = innermost.of(sender)
  if class.is(last, SyncSender) then
    local twin = innermost.replaced(sender, AsyncSender { session = last.session })
    return setmetatable({ sender = sender, session = last.session, twin = twin, tasks = {},
      asked_for = asked_for }, Background)
  end
end
