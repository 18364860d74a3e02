--- Where a Redis server is and as whom it is talked to, as options say it.
local address = require "viesti.redis.address"
local wire = require "viesti.stores.redis"

local place = {}

--- The options that say so.
place.options = {
  { name = "url", type = "string",
    doc = "redis://user:password@host:port/database or unix:///path/of/a/socket; "
      .. "redis://127.0.0.1 if neither this nor unix_socket is given" },
  { name = "unix_socket", type = "string",
    doc = "path of a socket to connect to instead of a URL" },
  { name = "user", type = "string", doc = "whom the server knows the password of" },
  { name = "password", type = "string", secret = true, doc = "what the server wants to hear" },
  { name = "database", type = "integer", min = 0, doc = "its number; the URL's or 0 if not given" },
  { name = "key_prefix", type = "string", default = "viesti:",
    doc = "what the names of all keys there begin with" },
  { name = "timeout", type = "number", default = 0.5, min = 0.001,
    doc = "seconds that anything asked of the server may take, connecting included" },
}

-- The first commands of a connection, and one more if it is given.
local function greeting_of(there, last)
  local commands = {}
  if there.password and there.user then
    commands[1] = wire.command("AUTH", there.user, there.password)
  elseif there.password then
    commands[1] = wire.command("AUTH", there.password)
  end
  if there.database and there.database > 0 then
    commands[#commands + 1] = wire.command("SELECT", there.database)
  end
  commands[#commands + 1] = last
  return { text = table.concat(commands), wanted = #commands }
end

--- { path } or { host, port }, and user, password, database, timeout and `greeting`, the first
--- commands, of which `last` (as of wire.command) is the last one; or nil and what is wrong with
--- the options.
---@param values table
---@param last? string
---@return table? there, string? wrong
function place.read(values, last)
  if values.url and values.unix_socket then
    return nil, "url and unix_socket are both given"
  end
  local there, wrong = { path = values.unix_socket }, nil
  if not values.unix_socket then
    there, wrong = address.read(values.url or "redis://127.0.0.1")
  end
  if not there then
    return nil, wrong
  end
  for _, name in ipairs { "user", "password", "database" } do
    there[name] = values[name] or there[name]
  end
  if there.user and not there.password then
    return nil, "user is given without a password"
  end
  there.timeout, there.greeting = values.timeout, greeting_of(there, last)
  return there
end

return place
