-- Coroutines that wait for sockets and deadlines, driven by select.

local socket = require("socket")

local scheduler = {}

local Scheduler = {}
Scheduler.__index = Scheduler

-- on_error(message) hears of tasks that failed.
function scheduler.new(on_error)
  return setmetatable({ waiting = {}, background = {}, on_error = on_error }, Scheduler)
end

local function resume(self, task, ...)
  local ok, message = coroutine.resume(task, ...)
  if not ok then
    self.on_error(debug.traceback(task, message))
  end
end

function Scheduler:spawn(body, ...)
  local task = coroutine.create(body)
  resume(self, task, ...)
  return task
end

-- Ends another task where it waits.
function Scheduler:cancel(task)
  self.waiting[task] = nil
  coroutine.close(task)
end

-- A background task acts on a readiness only after every other task has acted on its own.
function Scheduler:spawn_background(body, ...)
  local task = coroutine.create(body)
  self.background[task] = true
  resume(self, task, ...)
end

local function suspend(self, mode, handle, timeout)
  local deadline = timeout and socket.gettime() + timeout
  self.waiting[coroutine.running()] = { mode = mode, handle = handle, deadline = deadline }
  return coroutine.yield()
end

-- mode: "read" or "write". Suspends the running task; true once ready, false after timeout seconds.
function Scheduler:wait(mode, handle, timeout)
  return suspend(self, mode, handle, timeout)
end

function Scheduler:sleep(seconds)
  suspend(self, nil, nil, seconds)
end

local function select_once(self)
  local handles, task_of, nearest = { read = {}, write = {} }, { read = {}, write = {} }, math.huge
  for task, wait in pairs(self.waiting) do
    if wait.mode then
      table.insert(handles[wait.mode], wait.handle)
      task_of[wait.mode][wait.handle] = task
    end
    nearest = math.min(nearest, wait.deadline or math.huge)
  end
  local timeout = nearest < math.huge and math.max(0, nearest - socket.gettime()) or nil
  local readable, writable = socket.select(handles.read, handles.write, timeout)
  local ready = {}
  for _, handle in ipairs(readable) do
    ready[task_of.read[handle]] = true
  end
  for _, handle in ipairs(writable) do
    ready[task_of.write[handle]] = true
  end
  return ready
end

function Scheduler:run()
  while next(self.waiting) do
    local ready, now = select_once(self), socket.gettime()
    local due, due_last = {}, {}
    for task, wait in pairs(self.waiting) do
      if ready[task] or (wait.deadline and wait.deadline <= now) then
        table.insert(self.background[task] and due_last or due, task)
      end
    end
    for _, tasks in ipairs({ due, due_last }) do
      for _, task in ipairs(tasks) do
        if self.waiting[task] then -- not cancelled by one before it
          self.waiting[task] = nil
          resume(self, task, ready[task] or false)
        end
      end
    end
  end
end

return scheduler
