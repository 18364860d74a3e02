--- What concerns many keys at once, done a batch at a time, so that the server serves others
--- meanwhile. Each returns nil and a reason where the server does not do it, maybe half way.
local options = require "viesti.options"
local wire = require "viesti.stores.redis"

local upkeep = {}

local BATCH = 500
local MALFORMED = "the server's reply is not what it should be"

-- Calls visit(names) for all keys that begin so.
local function scan(client, beginning, visit)
  local pattern = beginning:gsub("[%*%?%[%]\\]", "\\%0") .. "*"
  local cursor = "0"
  repeat
    local reply, reason = client:command("SCAN", cursor, "MATCH", pattern, "COUNT",
      tostring(BATCH))
    if type(reply) ~= "table" or type(reply[1]) ~= "string" or not options.is_strings(reply[2]) then
      return nil, reason or MALFORMED
    end
    local ok = true
    if reply[2][1] then
      ok, reason = visit(reply[2])
    end
    if ok == nil then
      return nil, reason
    end
    cursor = reply[1]
  until cursor == "0"
  return true
end

-- From now on, nothing is kept that is being fetched just now.
local function change_marker(client, names)
  return client:command("SET", names.marker, wire.token())
end

--- Drops all there is.
---@return true? done, string? reason
function upkeep.clear(client, names)
  local ok, reason = change_marker(client, names)
  for _, beginning in ipairs { names.hashes, names.sets, names.leases } do
    if ok then
      ok, reason = scan(client, beginning, function(found)
        return client:command("UNLINK", table.unpack(found))
      end)
    end
  end
  return ok, reason
end

--- How many entries there are, and their bytes, those of their names included.
---@return { [1]: integer, [2]: integer }? sums, string? reason
function upkeep.weigh(client, names)
  local entries, bytes = 0, 0
  local ok, reason = scan(client, names.hashes, function(found)
    local sums, problem = client:run("weigh", found, {})
    if not sums or type(sums) ~= "table" or #sums ~= 2 then
      return nil, problem or MALFORMED
    end
    entries, bytes = entries + sums[1], bytes + sums[2]
    return true
  end)
  return ok and { entries, bytes }, reason
end

-- The URL stands first, or behind a partition's line.
local function begins(key, prefix)
  local line = key:find("\n", 1, true)
  return key:sub(1, #prefix) == prefix
    or line ~= nil and key:sub(line + 1, line + #prefix) == prefix
end

local function purge_prefix(client, names, prefix)
  local dropped, skipped = 0, #names.hashes
  local ok, reason = scan(client, names.hashes, function(found)
    local matching = {}
    for _, name in ipairs(found) do
      if begins(name:sub(skipped + 1), prefix) then
        matching[#matching + 1] = name
      end
    end
    if not matching[1] then
      return true
    end
    local number, problem = client:run("drop", matching, {})
    dropped = dropped + (math.tointeger(number) or 0)
    return number, problem
  end)
  return ok and dropped, reason
end

-- `members` of a tag's set and their scores, by turns.
local function drop_members(client, names, set, members)
  local keys, arguments = { set }, {}
  for index = 1, #members, 2 do
    local member = members[index]
    local length, rest = member:match "^(%d+):(.*)$"
    length, rest = tonumber(length) or 0, rest or ""
    keys[#keys + 1] = names:hash(rest:sub(1, length))
    table.move({ member, rest:sub(length + 1), members[index + 1] }, 1, 3, #arguments + 1,
      arguments)
  end
  return client:run("drop_tagged", keys, arguments)
end

local function purge_tag(client, names, tag)
  local set, dropped = names:set(tag), 0
  while true do
    local members, reason = client:command("ZRANGE", set, "0", tostring(BATCH - 1), "WITHSCORES")
    if not members or not options.is_strings(members) then
      return nil, reason or MALFORMED
    elseif #members < 2 then
      return dropped
    end
    local number
    number, reason = drop_members(client, names, set, members)
    if math.type(number) ~= "integer" then
      return nil, reason or MALFORMED
    end
    dropped = dropped + number
  end
end

--- Drops the entries with a tag, or those whose URL begins with a prefix. Returns how many.
---@param kind "tag"|"prefix"
---@param value string
---@return integer? dropped, string? reason
function upkeep.purge(client, names, kind, value)
  local ok, reason = change_marker(client, names)
  if not ok then
    return nil, reason
  end
  return (kind == "tag" and purge_tag or purge_prefix)(client, names, value)
end

return upkeep
