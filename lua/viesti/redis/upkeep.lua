--- What concerns many keys at once, done a batch at a time, so that the server serves others
--- meanwhile. Each returns nil and a reason where the server does not do it, or not all of it
--- before a moment of core.now(): its list of keys need not end.
local core = require "viesti.core"
local option_types = require "viesti.base.option_types"
local purging = require "viesti.cache.purging"
local wire = require "viesti.stores.redis"

local upkeep = {}

local BATCH = 500
local MALFORMED = "the server's reply is not what it should be"
local TOO_LONG = "going through what the server has took too long (walk_timeout)"

-- The names of the hashes there, a batch at a time: calls visit(names).
local function scan(client, names, deadline, visit)
  local pattern = names.hashes:gsub("[%*%?%[%]\\]", "\\%0") .. "*"
  local cursor = "0"
  repeat
    if core.now() >= deadline then
      return nil, TOO_LONG
    end
    local reply, reason = client:command("SCAN", cursor, "MATCH", pattern, "COUNT",
      tostring(BATCH))
    if type(reply) ~= "table" or type(reply[1]) ~= "string"
      or not option_types.is_strings(reply[2]) then
      return nil, reason or MALFORMED
    end
    local ok
    ok, reason = visit(reply[2])
    if not ok then
      return nil, reason
    end
    cursor = reply[1]
  until cursor == "0"
  return true
end

-- Runs a script on all hashes whose names are wanted, and adds up the `width` numbers that it
-- returns each time.
local function sum(client, names, deadline, script, width, is_wanted)
  local sums = table.move({ 0, 0 }, 1, width, 1, {})
  local ok, reason = scan(client, names, deadline, function(found)
    local keys = { names.marker }
    for _, name in ipairs(found) do
      keys[#keys + 1] = is_wanted(name) and name or nil
    end
    if not keys[2] then
      return true
    end
    local numbers, problem = client:run(script, keys, {})
    if type(numbers) ~= "table" or #numbers ~= width then
      return nil, problem or MALFORMED
    end
    for index, number in ipairs(numbers) do
      sums[index] = sums[index] + number
    end
    return true
  end)
  return ok and sums or nil, reason
end

local function always()
  return true
end

--- Drops all there is: nobody believes it from the first step on, the others make room.
---@return true? done, string? reason
function upkeep.clear(client, names, deadline)
  local ok, reason = client:begin_epoch()
  if ok then
    ok, reason = sum(client, names, deadline, "sweep", 0, always)
  end
  return ok and true or nil, reason
end

--- How many entries there are, and their bytes, those of their names included.
---@return { [1]: integer, [2]: integer }? sums, string? reason
function upkeep.weigh(client, names, deadline)
  return sum(client, names, deadline, "weigh", 2, always)
end

-- Tells `visit` of what the script `list` says of those hashes: whether to go on, or nil and why
-- that is not known.
local function visit_listed(client, names, keys, visit)
  local numbers, problem = client:run("list", keys, {})
  if type(numbers) ~= "table" or #numbers % 3 ~= 0 then
    return nil, problem or MALFORMED
  end
  for index = 1, #numbers, 3 do
    local name = keys[numbers[index]]
    if not name then
      return nil, MALFORMED
    elseif visit { key = name:sub(#names.hashes + 1), bytes = numbers[index + 1],
        expires = numbers[index + 2] } == false then
      return false
    end
  end
  return true
end

--- Calls `visit` for every entry there is, until it returns false.
---@return true? done, string? reason
function upkeep.each(client, names, deadline, visit)
  local ended
  local ok, reason = scan(client, names, deadline, function(found)
    local keys = table.move(found, 1, #found, 2, { names.marker })
    local more, problem = visit_listed(client, names, keys, visit)
    ended = more == false
    return more, problem
  end)
  return (ok or ended) and true or nil, reason
end

local function purge_prefix(client, names, deadline, prefix)
  local skipped = #names.hashes
  local sums, reason = sum(client, names, deadline, "drop", 1, function(name)
    return purging.begins(name:sub(skipped + 1), prefix)
  end)
  return sums and sums[1] or nil, reason
end

-- `members` of a tag's set and their scores, by turns.
local function drop_members(client, names, set, members)
  local keys, arguments = { names.marker, set }, {}
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

local function purge_tag(client, names, deadline, tag)
  local set, dropped = names:set(tag), 0
  while core.now() < deadline do
    local members, reason = client:command("ZRANGE", set, "0", tostring(BATCH - 1), "WITHSCORES")
    if not members or not option_types.is_strings(members) then
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
  return nil, TOO_LONG
end

--- Drops the entries with a tag, or those whose URL begins with a prefix. Returns how many.
---@param kind "tag"|"prefix"
---@param value string
---@return integer? dropped, string? reason
function upkeep.purge(client, names, deadline, kind, value)
  local ok, reason = client:run("change_marker", { names.marker }, { wire.token() })
  if not ok then
    return nil, reason
  end
  return (kind == "tag" and purge_tag or purge_prefix)(client, names, deadline, value)
end

return upkeep
