--- `viesti cache list|delete|purge|clear|stats STORE`: looks into a store, and forgets some of what
--- is there.
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"
local purging = require "viesti.cache.purging"
local stores = require "viesti.command.stores"
local viesti = require "viesti"

local actions = {}

-- How many operands there may be behind the store's name.
local MOST = { list = 1, delete = math.huge, purge = 0, clear = 0, stats = 0 }

-- What a store that could not do it says.
local function check(done, reason)
  if done == nil then
    failure.raise(exit_codes.STORE, tostring(reason))
  end
  return done
end

function actions.list(store, values, operands)
  local prefix, count, more = operands[1] or "", 0, false
  local now = os.time()
  check(store:each(function(entry)
    if not purging.begins(entry.key, prefix) then
      return
    elseif count == values.limit then
      more = true
      return false
    end
    count = count + 1
    print(("%10d %10.0f  %s"):format(entry.bytes, entry.expires - now,
      (entry.key:gsub("%c", " "))))
  end))
  if more then
    io.stderr:write(("viesti: there are more than %d (--limit)\n"):format(values.limit))
  end
end

function actions.delete(store, _, operands)
  if #operands == 0 then
    failure.raise(exit_codes.USAGE, "cache delete needs the URLs to forget")
  end
  for _, url in ipairs(operands) do
    local called, done, reason = pcall(store.delete, store, url)
    if not called then
      failure.raise(exit_codes.URL, failure.sentence(done))
    end
    check(done, reason)
  end
end

function actions.purge(store, values)
  local kind = values.tag and "tag" or "prefix"
  local text = values[kind]
  if not text or values.tag and values.prefix then
    failure.raise(exit_codes.USAGE, "cache purge needs one of --tag and --prefix")
  elseif text == "" then
    failure.raise(exit_codes.USAGE, ("--%s is empty"):format(kind))
  end
  print(("%d forgotten"):format(check(store:purge { [kind] = text })))
end

function actions.clear(store)
  local count = store:count()
  check(store:clear())
  print(("%d forgotten"):format(count))
end

function actions.stats(store)
  print(("%-12s%d"):format("responses", store:count())) -- which says what is wrong with the store
  print(("%-12s%d"):format("bytes", store:bytes()))
  local stats = store:stats()
  if not stats.count then -- of the whole server
    print(("%-12s%d"):format("evictions", stats.evictions))
  end
end

--- Raises failures.
---@param values table
---@param operands string[]
return function(values, operands)
  local action, name = actions[operands[1]], operands[2]
  if not action then
    failure.raise(exit_codes.USAGE, ("cache does list, delete, purge, clear or stats, %s"):format(
      operands[1] and ("not '%s'"):format(operands[1]) or "and needs to know which"))
  elseif not name then
    failure.raise(exit_codes.USAGE, ("cache %s needs a store: a file or redis://host"):format(
      operands[1]))
  end
  local excess = operands[3 + MOST[operands[1]]]
  if excess then
    failure.raise(exit_codes.USAGE, ("cache %s takes no '%s'"):format(operands[1], excess))
  end
  -- What fails is said once, and ends it.
  viesti.StoreWarning:set(function(message)
    failure.raise(exit_codes.STORE, ("%s: %s"):format(stores.title(name),
      message:match "go on without it: (.*)$" or message))
  end)
  local store <close> = stores.open(name, { must_exist = true, key_prefix = values.key_prefix })
  action(store, values, table.move(operands, 3, #operands, 1, {}))
  return exit_codes.OK
end
