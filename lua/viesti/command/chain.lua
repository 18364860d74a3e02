--- The chain that the command sends through: that of a file, or the usual one.
local arguments = require "viesti.command.arguments"
local chain_file = require "viesti.command.chain_file"
local class = require "viesti.base.class"
local innermost = require "viesti.senders.innermost"
local core = require "viesti.core"
local declarations = require "viesti.command.declarations"
local exit_codes = require "viesti.command.exit_codes"
local ExtendingSender = require "viesti.senders.extending"
local failure = require "viesti.command.failure"
local format = require "viesti.base.format"
local stores = require "viesti.command.stores"
local user = require "viesti.command.user"
local viesti = require "viesti"

local chain = {}

-- Around the chain of a file: what code there raises, or returns instead of a response, is what
-- went wrong with that request.
local Guarding = ExtendingSender:extend "ChainFile"

local function answer(self, request)
  return self:check_answer(request, self.sender:send(request))
end

function Guarding:send(request)
  local done, response, err = pcall(answer, self, request)
  if not done then
    return nil, core.error("script", format.raised(response), request)
  end
  return response, err
end

-- The same chain in tasks, and so one that can be interrupted, where its layers allow that.
local function in_tasks(loaded)
  local inner = innermost.of(loaded)
  if loaded.is_async or innermost.stiff_layer(loaded) or not (inner.session or inner.of_kind) then
    return loaded
  end
  local before = viesti.SenderConflictWarning:set "ignore"
  local client = viesti.Client { sender = loaded, asynchronous = true }
  viesti.SenderConflictWarning:set(before)
  return client
end

-- Innermost, so that it sees what goes over the wire.
local function traced(loaded, on_event)
  if not on_event or innermost.stiff_layer(loaded) then
    return loaded
  end
  return innermost.replaced(loaded, viesti.TracingSender { sender = innermost.of(loaded),
    on_event = on_event })
end

local function usual(values, items, hearers)
  return viesti.standard {
    asynchronous = true,
    session = { timeout = 0, connect_timeout = values.connect_timeout,
      verify = not values.insecure, ca = values.cacert, proxy = values.proxy },
    redirecting = values.max_redirs > 0 and { max_redirects = values.max_redirs },
    authenticating = user(values.user, items),
    caching = values.cache and { store = stores.open(values.cache) } or false,
    deadline = false, -- requests bring theirs, for what is taken again, too
    retrying = { retries = values.retry, on_retry = hearers.on_retry },
    tracing = hearers.on_event and { on_event = hearers.on_event } or false,
  }
end

---@class viesti.command.Hearers
---@field on_event? fun(name: string, span: viesti.Span) hears of every attempt
---@field on_retry? fun(context: viesti.RetryContext) hears of every wait of the usual chain's

--- `given` is what the user said, `values` with defaults. Raises failures.
---@param given table
---@param values table
---@param items viesti.command.Item[]
---@param hearers viesti.command.Hearers
---@return viesti.Sender
function chain.build(given, values, items, hearers)
  if not values.chain then
    local before = viesti.InsecureWarning:set(values.insecure and "ignore" or "print")
    local made, sender = pcall(usual, values, items, hearers)
    viesti.InsecureWarning:set(before)
    if not made then
      failure.raise(failure.is(sender) and sender.code or exit_codes.USAGE,
        failure.sentence(sender))
    end
    return sender
  end
  local own = arguments.marked(declarations.fetch.options, given, "own")
  if own then
    failure.raise(exit_codes.USAGE, ("%s does not go with -c: the file says that"):format(own))
  end
  return Guarding { sender = traced(in_tasks(chain_file.load(values.chain)), hearers.on_event) }
end

--- Whether bodies may be taken piece by piece: a cache whose store takes none of those that are
--- would never have anything.
---@param sender viesti.Sender
---@return boolean
function chain.streams(sender)
  while sender do
    if class.is(sender, viesti.CachingSender) and not sender.records then
      return false
    end
    sender = sender.sender
  end
  return true
end

return chain
