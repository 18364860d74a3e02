--- One request of the command, and its body. What breaks off on its way into a file is taken again,
--- for the file does not have it yet; what went to standard output is gone.
local core = require "viesti.core"
local exit_codes = require "viesti.command.exit_codes"
local receive = require "viesti.command.receive"

local exchange = {}

local PAUSE = 1 -- seconds before it is taken again

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

-- The request with what holds for all that is done for it.
local function prepared(job, item, more)
  if job.values.max_time then
    more.deadline = job.sender:now() + job.values.max_time
  end
  return item.request:with(more)
end

local function refused(response)
  local _, err = pcall(response.raise_for_status, response)
  local count = response.attempts and #response.attempts or 1
  return err.message .. (count > 1 and (", after %d attempts"):format(count) or "")
end

local function to_output(job, response, place)
  local since = core.now()
  place:await()
  local waited = core.now() - since
  local bytes, code, reason = receive.to_output(response, job.told)
  return { bytes = bytes, code = code, reason = reason, response = response, waited = waited }
end

local function to_file(job, response, path)
  local come = 0
  local bytes, code, reason = receive.to_file(response, path, function(count, total)
    come = come + count
    job.told(count, total)
  end)
  if not bytes then
    job.told(-come)
  end
  return { bytes = bytes, code = code, reason = reason, response = response }
end

local function attempt(job, item, request, place)
  local response <close>, err = job.sender:send(request)
  if not response then
    return { code = exit_codes.of(err), reason = err }
  elseif job.values.fail and response.status_code >= 400 then
    return { code = exit_codes.STATUS, reason = refused(response), response = response }
  elseif not item.path then
    return to_output(job, response, place)
  end
  return to_file(job, response, item.path)
end

-- What the chain itself has tried again says how often.
local function broke_off(reason)
  return type(reason) == "table" and reason.retryable and not reason.attempts
end

-- Again while it breaks off: with a chain file as often as that says.
local function persist(job, item, request, take)
  local left = job.values.chain and 0 or job.values.retry
  while true do
    local outcome = take()
    if left == 0 or not item.path or not broke_off(outcome.reason) then
      return outcome
    end
    left = left - 1
    job.on_retry { request = request, wait = PAUSE }
    job.sender:sleep(PAUSE)
  end
end

--- Sends the request and takes its body; `place` is the turn of what goes to standard output.
---@return viesti.command.Outcome
function exchange.take(job, item, place)
  local request = prepared(job, item, { stream = is_streamed(job, item) })
  return persist(job, item, request, function()
    return attempt(job, item, request, place)
  end)
end

--- Likewise into a file that an earlier one may have begun, from where that broke off.
---@return viesti.command.Outcome
function exchange.continue(job, item)
  local request = prepared(job, item, {})
  return persist(job, item, request, function()
    local bytes, code, reason, response = receive.continued(job.sender, request, item.path,
      job.told)
    return { bytes = bytes, code = code, reason = reason, response = response }
  end)
end

return exchange
