--- `viesti URL...`: sends the requests, several at once if that is asked for, and sees to their
--- bodies.
local chain = require "viesti.command.chain"
local core = require "viesti.core"
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"
local heads = require "viesti.command.heads"
local interruption = require "viesti.command.interruption"
local new_progress = require "viesti.command.progress"
local new_stats = require "viesti.command.stats"
local new_turns = require "viesti.limits.turns"
local PartFile = require "viesti.downloads.part_file"
local receive = require "viesti.command.receive"
local requests = require "viesti.command.requests"
local viesti = require "viesti"

---@class viesti.command.Outcome
---@field bytes integer? of the body; nil: it failed
---@field code integer? of the exit, where it failed
---@field reason any an error object or a sentence
---@field response viesti.Response?
---@field waited number? seconds that are not the request's but its turn's

-- Whether what comes is written while it comes, or when it is whole: what comes out of turn has to
-- wait, and holds no connection meanwhile.
local function is_streamed(job, item)
  return job.streams and (item.path ~= nil or job.values.parallel == 1 or #job.items == 1)
end

local function refused(response)
  local _, err = pcall(response.raise_for_status, response)
  local count = response.attempts and #response.attempts or 1
  return err.message .. (count > 1 and (", after %d attempts"):format(count) or "")
end

local function exchange(job, item, place)
  local request = item.request:with { stream = is_streamed(job, item) }
  local response <close>, err = job.sender:send(request)
  if not response then
    return { code = exit_codes.of(err), reason = err }
  elseif job.values.fail and response.status_code >= 400 then
    return { code = exit_codes.STATUS, reason = refused(response), response = response }
  end
  local bytes, code, reason
  local waited = 0
  if item.path then
    bytes, code, reason = receive.to_file(response, item.path, job.told)
  else
    local since = core.now()
    place:await()
    waited = core.now() - since
    bytes, code, reason = receive.to_output(response, job.told)
  end
  return { bytes = bytes, code = code, reason = reason, response = response, waited = waited }
end

local function continue(job, item)
  local bytes, code, reason, response = receive.continued(job.sender, item.request, item.path,
    job.told)
  return { bytes = bytes, code = code, reason = reason, response = response }
end

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
  local outcome = item.refusal or job.values.continue and continue(job, item)
    or exchange(job, item, place)
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
  local har = values.har and open_har(values.har)
  local sender <close> = chain.build(given, values, items, {
    on_event = teller_of(listeners_of(values, items, stats, har)),
    on_retry = values.verbose and heads.teller_of_waits(io.stderr, #items > 1) or nil,
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
