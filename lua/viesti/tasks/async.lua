--- Tasks: functions that run side by side in one thread, each suspended while it waits.
local core = require "viesti.core"
local format = require "viesti.base.format"
local options = require "viesti.base.options"
local tables = require "viesti.base.tables"
local warnings = require "viesti.base.warnings"

local async = {}

local DEFAULT_CONCURRENCY = 10

--- A task: `task:join()` waits for its end and returns what its function returned (or raises what
--- it raised, or returns nil and an error `cancelled`), and `task:join(seconds)` no longer than
--- that; `task:cancel()` ends it where it waits and closes its to-be-closed variables, returning
--- whether there was anything to cancel; `task:status()` is "running", "done", "failed" or
--- "cancelled". A task that is a to-be-closed variable is cancelled with its block.
---@class viesti.Task

local function check_function(what, fn)
  if type(fn) ~= "function" then
    error(("%s needs a function, got %s"):format(what, format.given(fn)), 3)
  end
end

local function check_seconds(what, seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    error(("%s needs seconds, a number of 0 or more, got %s"):format(
      what, format.given(seconds)), 3)
  end
end

local function failure_message(reason, trace)
  local printable, text = pcall(tostring, reason)
  return "a task failed and nobody joined it: "
    .. (printable and text or "an error that cannot be printed")
    .. (trace and "\n" .. trace or "")
end

-- Where nobody could catch what is raised (in a finalizer, on the way of another error) it would
-- be lost or take the other's place: it is printed instead.
local function emit_without_raising(message)
  local warning = warnings.TaskWarning
  if warning.action == "error" then
    io.stderr:write(warning.name, ": ", message, "\n")
    return
  end
  local emitted, raised = pcall(warning.emit, warning, message)
  if not emitted then
    io.stderr:write(tostring(raised), "\n")
  end
end

-- The core's finalizers call these, at the latest when the state closes.
function core.Task.report_failure(reason, trace)
  emit_without_raising(failure_message(reason, trace))
end

local function report_left(count, what)
  if count > 0 then
    emit_without_raising(("%d %s, for nobody waited for %s: task:join() does, viesti.run waits for "
      .. "its own function alone"):format(count, what, count == 1 and "it" or "them"))
  end
end

function core.Loop.report_left(unstarted, halfway)
  report_left(unstarted, unstarted == 1 and "task never ran" or "tasks never ran")
  report_left(halfway, halfway == 1 and "task was cut off halfway" or "tasks were cut off halfway")
end

-- Called by the core for the first send that blocks in a task beside others.
function core.Loop.report_blocked(others)
  local sentence = "SyncSender:send blocks its task and %d other%s, AsyncSender:send its own alone"
  warnings.TaskWarning:emit(core.place() .. sentence:format(others, others == 1 and "" or "s"))
end

-- A warning that raises leaves the failures behind it for later.
local reporting = setmetatable({}, { __close = function(_, raised)
  for _, reason, trace in core.take_failure do
    if raised then
      emit_without_raising(failure_message(reason, trace))
    else
      warnings.TaskWarning:emit(failure_message(reason, trace))
    end
  end
end })

--- Runs `fn(...)` as a task, and the loop until it is done; returns what it returned. Inside a task
--- it just calls it.
---@param fn function
---@return any ...
function async.run(fn, ...)
  check_function("run", fn)
  if core.current() then
    return fn(...)
  end
  core.check_wait "run" -- before there is a task, which nobody would cancel
  local _ <close> = reporting
  local task <close> = core.spawn(fn, ...) -- cancelled where it cannot be joined
  return task:join()
end

--- Starts `fn(...)` as a task that runs beside the caller. It takes its first step when the caller
--- next waits.
---@param fn function
---@return viesti.Task
function async.spawn(fn, ...)
  check_function("spawn", fn)
  return core.spawn_for_user(fn, ...)
end

--- Waits: in a task the others run meanwhile, elsewhere the loop is driven.
---@param seconds number
function async.sleep(seconds)
  check_seconds("sleep", seconds)
  return core.sleep(seconds)
end

--- Runs `fn(...)` as a task for so many seconds at most; returns what it returned. When the time is
--- over the task is cancelled, with its requests, and there is nil and an error `timeout`.
---@param seconds number
---@param fn function
---@return any ...
function async.timeout(seconds, fn, ...)
  check_seconds("timeout", seconds)
  check_function("timeout", fn)
  core.check_wait "timeout"
  local task <close> = core.spawn(fn, ...)
  return task:join(seconds)
end

local map_options = {
  { name = "concurrency", type = "integer", default = DEFAULT_CONCURRENCY, min = 1,
    doc = "how many calls are under way at once" },
  { name = "errors", type = "string", default = "raise", values = { "raise", "collect" },
    doc = "collect: what a call raises stands among the errors, and the others go on" },
}

local function cancel_others(workers)
  local current = core.current()
  for _, worker in ipairs(workers) do
    if worker ~= current then
      worker:cancel()
    end
  end
end

local function collecting(fn)
  return function(item, index)
    local returned, result, err = pcall(fn, item, index)
    if returned then
      return result, err
    end
    return nil, result == nil and "nil was raised" or result
  end
end

local function map_in_tasks(list, fn, concurrency)
  local results, errors, workers = {}, {}, {}
  local position, failed, failure = 0, false, nil
  local function work()
    while position < #list do
      position = position + 1
      local index = position
      results[index], errors[index] = fn(list[index], index)
    end
  end
  local function guarded()
    local ok, reason = pcall(work)
    if not ok then
      if not failed then
        failed, failure = true, reason
      end
      position = #list
      cancel_others(workers)
    end
  end
  for n = 1, math.min(concurrency, #list) do
    workers[n] = core.spawn(guarded)
  end
  local _ <close> = setmetatable({}, { __close = function() cancel_others(workers) end })
  for _, worker in ipairs(workers) do
    worker:join()
  end
  if failed then
    error(failure, 0)
  end
  return results, errors
end

--- Calls `fn(item, index)` for every item of a list in tasks, at most `concurrency` (10) at once.
--- Returns the list of first results and the list of second ones, each in the order of the items:
--- with `send`, responses and errors. The first error raised cancels the calls under way and is
--- raised again; with `errors = "collect"` it stands in the second list and the others go on.
---@generic T
---@param list T[]
---@param fn fun(item: T, index: integer): any, any
---@param choices? { concurrency: integer?, errors: "raise"|"collect"|nil }
---@return any[] results, any[] errors
function async.map(list, fn, choices)
  if not tables.is_list(list) or type(fn) ~= "function" then
    local is_table = type(list) == "table" and not tables.is_list(list)
    error(("map needs a list and a function, got %s and %s"):format(
      is_table and "a table that is no list" or format.given(list), format.given(fn)), 2)
  elseif choices ~= nil and type(choices) ~= "table" then
    error("map: its choices are a table such as { concurrency = 20 }, got "
      .. format.given(choices), 2)
  end
  local values, wrong = options.read("map", map_options, choices or {})
  if not values then
    error(wrong, 2)
  end
  local call = values.errors == "collect" and collecting(fn) or fn
  local results, failures = async.run(map_in_tasks, list, call, values.concurrency)
  return results, failures
end

return async
