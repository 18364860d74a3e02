--- Where a server is, from what the user says of it.
local format = require "viesti.base.format"

local address = {}

local FORMS = "redis://user:password@host:port/database or unix:///path/of/a/socket"

local function decoded(text)
  return text and (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function nothing_if_empty(text)
  return text ~= "" and text or nil
end

local function read_tcp(rest)
  local credentials, place = rest:match "^(.*)@(.-)$"
  local host, tail = (place or rest):match "^%[([%x:.]+)%](.*)$"
  if not host then
    host, tail = (place or rest):match "^([^:/?#]+)(.*)$"
  end
  local port, database = (tail or "?"):match "^:?(%d*)/?(%d*)$"
  if not port or tail:find "^%d" or tonumber(port) and tonumber(port) > 65535 then
    return nil
  end
  local user, password = (credentials or ""):match "^([^:]*):?(.*)$"
  return {
    host = host, port = nothing_if_empty(port) or "6379", database = math.tointeger(database),
    user = nothing_if_empty(decoded(user)), password = nothing_if_empty(decoded(password)),
  }
end

--- What a URL says: { host, port } or { path }, with database, user and password where they are in
--- it; or nil and what is wrong with it.
---@param url string
---@return table? place, string? wrong
function address.read(url)
  local scheme, rest = url:match "^(%a[%w+.-]*)://(.*)$"
  local place
  if scheme == "rediss" then
    return nil, "url is rediss:, and TLS is not spoken here: let a tunnel speak it"
  elseif scheme == "unix" and rest:find "^/." then
    place = { path = decoded(rest) }
  elseif scheme == "redis" then
    place = read_tcp(rest)
  end
  if not place then
    return nil, ("url must be %s, got %s"):format(FORMS, format.value(format.url(url)))
  end
  return place
end

return address
