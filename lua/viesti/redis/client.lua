--- Asks a server, and leaves it alone for a while where it does not answer.
local core = require "viesti.core"
local new_connection = require "viesti.redis.connection"
local scripts = require "viesti.redis.scripts"
local wire = require "viesti.stores.redis"

---@class viesti.redis.Client
local Client = {}
Client.__index = Client

-- Seconds for which a server is left alone: at first, and at most.
local FIRST_REST, LONGEST_REST = 0.1, 5

-- Most invalidations that are kept for a server that cannot be reached.
local MOST_OWED = 10000

---@param place table { path } or { host, port }, timeout, greeting
---@return viesti.redis.Client
local function new(place)
  return setmetatable({ place = place, digests = {}, owed = {}, owed_count = 0, failures = 0,
    resting_until = 0 }, Client)
end

local function slot_of(self, commands)
  return { commands = commands, wanted = #commands, replies = {},
    deadline = core.now() + self.place.timeout }
end

local function rest(self)
  self.failures = self.failures + 1
  self.resting_until = core.now()
    + math.min(LONGEST_REST, FIRST_REST * 2 ^ math.min(self.failures - 1, 10))
end

local function owe(self, key, words)
  if self.owed_count < MOST_OWED and not self.closed then
    self.owed_count = self.owed_count + (self.owed[key] and 0 or 1)
    self.owed[key] = words
  end
end

-- What was invalidated while the server could not be reached comes before all else.
local function pay(self, connection)
  local owed = self.owed
  self.owed, self.owed_count = {}, 0
  for key, words in pairs(owed) do
    local slot = slot_of(self, { table.move(words, 1, #words, 1, {}) })
    function slot.after()
      local reply = slot.replies[1]
      if slot.reason or type(reply) == "table" and reply.err then
        owe(self, key, words)
      end
    end
    connection:submit(slot)
  end
end

-- A child process leaves its parent's connection alone.
local function connection_of(self)
  local connection = self.connection
  if not connection or connection.pid ~= wire.pid() then
    connection = new_connection(self.place, self.place.greeting,
      function() pay(self, self.connection) end, function() rest(self) end)
    self.connection = connection
  end
  return connection
end

--- Asks several things at once. Returns the list of replies, or nil and a reason.
---@param commands string[][]
---@return table? replies, string? reason
function Client:ask(commands)
  if self.closed then
    return nil, "the store is closed"
  elseif core.now() < self.resting_until then
    return nil, "the server is left alone for a while after a failure"
  end
  local slot = slot_of(self, commands)
  connection_of(self):ask(slot)
  if slot.reason then
    return nil, slot.reason
  end
  self.failures = 0
  return slot.replies
end

--- Asks one thing. Returns the reply, or nil and a reason, which an error that is replied is, too.
---@return any reply, string? reason
function Client:command(...)
  local replies, reason = self:ask { { ... } }
  local reply = replies and replies[1]
  if type(reply) == "table" and reply.err then
    return nil, reply.err
  end
  return reply, reason
end

local function script_words(first, script, keys, arguments)
  local words = table.move(keys, 1, #keys, 4, { first, script, tostring(#keys) })
  return table.move(arguments, 1, #arguments, #words + 1, words)
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
    local reply, reason = self:command(table.unpack(script_words("EVALSHA", digest, keys,
      arguments)))
    if reply ~= nil or not reason:find "^NOSCRIPT" then
      return check_numbers(reply, reason)
    end
  end
  local replies, reason = self:ask {
    { "SCRIPT", "LOAD", scripts[name] }, script_words("EVAL", scripts[name], keys, arguments),
  }
  if not replies then
    return nil, reason
  end
  self.digests[name] = type(replies[1]) == "string" and replies[1] or nil
  if type(replies[2]) == "table" and replies[2].err then
    return nil, replies[2].err
  end
  return check_numbers(replies[2])
end

--- Runs a script without waiting for what comes of it, where there is a connection.
function Client:post(name, keys, arguments)
  if not self.closed and core.now() >= self.resting_until then
    local words = script_words("EVAL", scripts[name], keys, arguments)
    connection_of(self):post(slot_of(self, { words }))
  end
end

--- Runs a script as soon as the server can be reached again.
function Client:owe(name, keys, arguments)
  owe(self, keys[1], script_words("EVAL", scripts[name], keys, arguments))
end

--- Whether the server still has what stands under that name though it was invalidated: it is asked
--- once more to drop it.
---@param name string
---@return boolean
function Client:still_owes(name)
  local words = self.owed[name]
  if words and self:command(table.unpack(words)) ~= nil and self.owed[name] then
    self.owed[name], self.owed_count = nil, self.owed_count - 1
  end
  return self.owed[name] ~= nil
end

--- Ends the connection, for good.
function Client:close()
  self.closed = true
  if self.connection then
    self.connection:close "the store is closed"
  end
end

return new
