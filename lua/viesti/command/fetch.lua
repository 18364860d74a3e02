--- `viesti URL...`: sends the requests, several at once if that is asked for, and sees to their
--- bodies.
local chain = require "viesti.command.chain"
local core = require "viesti.core"
local exchange = require "viesti.command.exchange"
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"
local heads = require "viesti.command.heads"
local interruption = require "viesti.command.interruption"
local new_progress = require "viesti.command.progress"
local new_stats = require "viesti.command.stats"
local new_turns = require "viesti.limits.turns"
local PartFile = require "viesti.downloads.part_file"
local requests = require "viesti.command.requests"
local viesti = require "viesti"

local function say(job, message)
  if not job.values.silent or job.values.show_error then
    job.progress:hide()
    io.stderr:write("viesti: ", (tostring(message):gsub("%c", "?")), "\n")
  end
end

-- The limit by the name that the user knows it by.
local function in_words(job, reason)
  local limit = job.values.max_time
  if not limit or type(reason) ~= "table" or reason.kind ~= "deadline" then
    return reason
  end
  local err = core.error("deadline", ("not done within %g s (--max-time)"):format(limit),
    reason.request)
  err.attempts = reason.attempts
  return err
end

local function note(job, outcome, seconds)
  local failed = outcome.bytes == nil
  job.stats:add { failed = failed, response = outcome.response, err = outcome.reason,
    bytes = outcome.bytes or 0, seconds = seconds }
  if failed then
    say(job, in_words(job, outcome.reason))
  end
  job.progress:finish(failed)
end

-- Returns the exit code of one request.
local function fetch(job, item)
  local place <close> = job.turns:join()
  local started = core.now()
  local outcome = item.refusal or job.values.continue and exchange.continue(job, item)
    or exchange.take(job, item, place)
  note(job, outcome, core.now() - started - (outcome.waited or 0))
  return outcome.bytes and exit_codes.OK or outcome.code
end

-- All of them; the exit code is that of the first one, by their order, that failed.
local function fetch_all(job)
  local progress <close> = job.progress
  local codes = viesti.map(job.items, function(item)
    return fetch(job, item)
  end, { concurrency = job.values.parallel })
  progress:hide()
  for _, code in ipairs(codes) do
    if code ~= exit_codes.OK then
      return code
    end
  end
  return exit_codes.OK
end

-- A bar where somebody sees it, and it gets in nobody's way.
local function progress_of(values, items)
  local width = core.terminal_width(io.stderr)
  local quiet = values.silent or values.verbose
  local among_bodies = false
  for _, item in ipairs(items) do
    among_bodies = among_bodies or not item.path
  end
  if quiet or among_bodies and core.terminal_width(io.stdout) then
    width = nil
  end
  return new_progress(io.stderr, #items, width)
end

-- Warnings are said as failures are.
local function hear_warnings(job)
  for _, category in ipairs { viesti.ChainFileWarning, viesti.StoreWarning,
    viesti.TaskWarning } do
    category:set(function(message)
      say(job, message)
    end)
  end
end

-- What hears of every attempt.
local function listeners_of(values, items, stats, har)
  local listeners = {}
  if values.verbose then
    listeners[#listeners + 1] = heads.teller(io.stderr, #items > 1)
  end
  if values.stats then
    listeners[#listeners + 1] = function(name) stats:on_event(name) end
  end
  listeners[#listeners + 1] = har and har.on_event
  return listeners
end

local function teller_of(listeners)
  return #listeners > 0 and function(name, span)
    for _, listener in ipairs(listeners) do
      listener(name, span)
    end
  end or nil
end

local function open_har(path)
  local opened, har = pcall(viesti.har, { path = path })
  if not opened then
    failure.raise(exit_codes.WRITE, failure.sentence(har))
  end
  return har
end

-- What an interrupted call with -C has left is no loss.
local function tell_what_is_left(job)
  local names = {}
  for _, item in ipairs(job.values.continue and job.items or {}) do
    names[#names + 1] = item.path and PartFile.left(item.path)
  end
  if #names > 0 then
    say(job, ("interrupted; the same call goes on in %s"):format(table.concat(names, ", ")))
  end
end

local function finish(job, har, code)
  if job.values.stats then
    io.stderr:write(job.stats:text())
  end
  local written, reason = true, nil
  if har then
    written, reason = har:close()
  end
  if not written then
    say(job, ("%s: %s"):format(job.values.har, reason))
    return code == exit_codes.OK and exit_codes.WRITE or code
  end
  return code
end

--- Returns the exit code. Raises failures.
---@param given table
---@param values table
---@param operands string[]
---@return integer
return function(given, values, operands)
  local urls = requests.urls(operands, values, core.terminal_width(io.stdin) ~= nil)
  local items, stats = requests.items(values, urls), new_stats()
  local progress = progress_of(values, items)
  local job = { values = values, items = items, stats = stats, turns = new_turns(),
    progress = progress, told = function(bytes, total) progress:add(bytes, total) end }
  hear_warnings(job)
  local tell_of_wait = values.verbose and heads.teller_of_waits(io.stderr, #items > 1) or nil
  function job.on_retry(context)
    stats:on_retry()
    if tell_of_wait then
      tell_of_wait(context)
    end
  end
  local har = values.har and open_har(values.har)
  local sender <close> = chain.build(given, values, items, {
    on_event = teller_of(listeners_of(values, items, stats, har)),
    on_retry = tell_of_wait,
  })
  job.sender, job.streams = sender, chain.streams(sender)
  io.stdout:setvbuf "no"
  local code, interrupted = interruption.guard(function()
    return fetch_all(job)
  end)
  if interrupted then
    tell_what_is_left(job)
  end
  return finish(job, har, interrupted or code)
end
