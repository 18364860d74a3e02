--- Asks a server, and leaves it alone for a while where it does not answer.
local core = require "viesti.core"
local new_connection = require "viesti.redis.connection"
local new_debts = require "viesti.redis.debts"
local scripts = require "viesti.redis.scripts"
local wire = require "viesti.stores.redis"

---@class viesti.redis.Client
local Client = {}
Client.__index = Client

-- Seconds for which a server is left alone: at first, and at most.
local FIRST_REST, LONGEST_REST = 0.1, 5

--- Seconds for which the server remembers that a key was invalidated.
Client.remembered = 3600

---@param place table { path } or { host, port }, timeout, greeting
---@param names viesti.redis.Names
---@return viesti.redis.Client
local function new(place, names)
  return setmetatable({ place = place, names = names, digests = {}, debts = new_debts(),
    failures = 0, resting_until = 0 }, Client)
end

-- With room for two replies and for all that becomes of it, which it then need not be given.
local function slot_of(self, text, wanted)
  return { nil, nil, text = text, wanted = wanted, got = 0, task = false, waited_for = false,
    done = false, deadline = core.now() + self.place.timeout }
end

local function rest(self)
  self.failures = self.failures + 1
  self.resting_until = core.now()
    + math.min(LONGEST_REST, FIRST_REST * 2 ^ math.min(self.failures - 1, 10))
end

local function is_error(reply)
  return type(reply) == "table" and reply.err ~= nil
end

local function script_command(first, script, keys, arguments)
  local words = table.move(keys, 1, #keys, 4, { first, script, tostring(#keys) })
  return wire.command(table.unpack(table.move(arguments, 1, #arguments, #words + 1, words)))
end

-- What tells the server of keys that were invalidated, or (nil) to begin an epoch.
local function invalidation(self, keys)
  if not keys then
    return "begin_epoch", { self.names.marker }, { wire.token() .. wire.token() }
  end
  local names = {}
  for index, key in ipairs(keys) do
    names[2 * index - 1], names[2 * index] = self.names:hash(key), self.names:lease(key)
  end
  return "invalidate", names, { wire.token(), tostring(1000 * self.remembered) }
end

-- A question that pays what was owed, which is owed again where the server does not take it.
local function payment(self, keys)
  local name, names, arguments = invalidation(self, keys)
  local slot = slot_of(self, script_command("EVAL", scripts[name], names, arguments), 1)
  function slot.after()
    if slot.reason or is_error(slot[1]) then
      self.debts:put_back(keys)
    end
  end
  return slot
end

-- What was invalidated while the server could not be reached comes before all else.
local function pay(self)
  self.debts:take_all(function(keys)
    self.connection:submit(payment(self, keys))
  end)
end

-- A child process leaves its parent's connection alone.
local function connection_of(self)
  local connection = self.connection
  if not connection or connection.pid ~= wire.pid() then
    connection = new_connection(self.place, function() pay(self) end, function() rest(self) end)
    self.connection = connection
  end
  return connection
end

-- Why nothing is asked now, or nil.
local function refusal(self)
  if self.closed then
    return "the store is closed"
  elseif core.now() < self.resting_until then
    return "the server is left alone for a while after a failure"
  end
end

local function ask(self, slot)
  connection_of(self):ask(slot)
  if slot.reason then
    return nil, slot.reason
  end
  self.failures = 0
  return slot
end

--- Asks what wire.command has made, several things at once. Returns the list of so many replies, or
--- nil and a reason.
---@param text string
---@param wanted integer
---@return table? replies, string? reason
function Client:ask(text, wanted)
  local reason = refusal(self)
  if reason then
    return nil, reason
  end
  return ask(self, slot_of(self, text, wanted))
end

-- The last of the replies; or nil and a reason, which an error that is replied is, too.
local function last_of(replies, reason)
  local reply = replies and replies[replies.wanted]
  if is_error(reply) then
    return nil, reply.err
  end
  return reply, reason
end

--- Asks one thing. Returns the reply, or nil and a reason, which an error that is replied is, too.
---@return any reply, string? reason
function Client:command(...)
  return last_of(self:ask(wire.command(...), 1))
end

-- What scripts return: numbers, or lists of them.
local function check_numbers(reply, reason)
  for _, number in ipairs(type(reply) == "table" and reply or { reply }) do
    if math.type(number) ~= "integer" then
      return nil, "the server's reply is not what it should be"
    end
  end
  return reply, reason
end

--- Runs a script there, by its digest where the server knows it.
---@param name string
---@return integer|integer[]? reply, string? reason
function Client:run(name, keys, arguments)
  local digest = self.digests[name]
  if digest then
    local text = script_command("EVALSHA", digest, keys, arguments)
    local reply, reason = last_of(self:ask(text, 1))
    if reply ~= nil or not reason:find "^NOSCRIPT" then
      return check_numbers(reply, reason)
    end
  end
  local replies, reason = self:ask(wire.command("SCRIPT", "LOAD", scripts[name])
    .. script_command("EVAL", scripts[name], keys, arguments), 2)
  if replies and type(replies[1]) == "string" then
    self.digests[name] = replies[1]
  end
  return check_numbers(last_of(replies, reason))
end

--- Runs a script without waiting for what comes of it, where there is a connection.
function Client:post(name, keys, arguments)
  if not refusal(self) then
    local text = script_command("EVAL", scripts[name], keys, arguments)
    connection_of(self):post(slot_of(self, text, 1))
  end
end

local function tell(self, keys)
  local reason = refusal(self)
  if reason then
    self.debts:put_back(keys)
    return nil, reason
  end
  local reply
  reply, reason = last_of(ask(self, payment(self, keys)))
  return reply ~= nil or nil, reason
end

--- Drops all of a key there; where that fails it is done first of all as soon as it can be.
---@param key string
---@return true? done, string? reason
function Client:invalidate(key)
  return tell(self, { key })
end

--- Has nobody believe what the server has now, likewise.
---@return true? done, string? reason
function Client:begin_epoch()
  return tell(self, nil)
end

--- Whether the server still has what was invalidated under that key: it is told once more.
---@param key string
---@return boolean
function Client:still_owes(key)
  if not self.debts:owes(key) then
    return false
  elseif not refusal(self) then
    ask(self, payment(self, self.debts:take(key)))
  end
  return self.debts:owes(key)
end

--- Ends the connection, for good.
function Client:close()
  self.closed = true
  if self.connection then
    self.connection:close "the store is closed"
  end
end

return new
