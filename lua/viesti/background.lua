--- Work behind the back of a chain that blocks: it has an async twin over the same session, whose
--- tasks go on whenever the chain is used, and end at the latest when it is closed.
local AsyncSender = require "viesti.senders.async"
local class = require "viesti.class"
local concrete = require "viesti.concrete"
local core = require "viesti.core"
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

--- Lets the tasks go on as far as they can without waiting; not from inside a task, beside which
--- they go on anyway.
function Background:go_on()
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
  for task in pairs(self.tasks) do
    task:join()
    self.tasks[task] = nil
  end
end

--- Of a chain; nil for one that does not block.
---@param sender viesti.Sender
return function(sender)
  local last = concrete.of(sender)
  if class.is(last, SyncSender) then
    local twin = concrete.replaced(sender, AsyncSender { session = last.session })
    return setmetatable({ twin = twin, tasks = {} }, Background)
  end
end
