--- What the server does in one step. Under the store's key_prefix it has
---
---   marker   two random words of 24 letters: the epoch, which is another one since nothing from
---            before is to be believed, and one that changes with each purge, too
---   k:KEY    a hash: "g", a random word since the key was invalidated; "e", the epoch of its
---            entries; for each variant "v" .. variant, the entry, and "t" .. variant, when it was
---            put and when it is of no more use, in microseconds
---   t:TAG    a sorted set: "length of key:key" .. variant by the latter
---   l:KEY    a lease: a random word
---   r:KEY    of a rate limit: when its bucket is full again, in microseconds
---
--- A generation is the marker and the "g" that were there when the entries were read; what was
--- fetched under another one is not stored. Entries of another epoch are none.
local scripts = {}

-- How many entries a hash has, and how they are dropped: what was asked for before the key was
-- invalidated is to be known afterwards, too. KEYS[1] is the marker.
local HASHES = [[
local epoch = string.sub(redis.call('GET', KEYS[1]) or '', 1, 24)
local function count(hash)
  if redis.call('HGET', hash, 'e') ~= epoch then
    return 0
  end
  return (redis.call('HLEN', hash) - redis.call('HEXISTS', hash, 'g') - 1) / 2
end
local function drop(hash)
  for _, field in ipairs(redis.call('HKEYS', hash)) do
    if field ~= 'g' then
      redis.call('HDEL', hash, field)
    end
  end
end
]]

-- Its first command that writes is the one that a full server refuses: none behind it is.
scripts.put = [[
local hash, marker, lease = KEYS[1], KEYS[2], KEYS[3]
local checked, seen_marker, seen_word, variant, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local life, most, member = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local present = redis.call('GET', marker)
if not present or checked == '1' and (present ~= seen_marker
    or (redis.call('HGET', hash, 'g') or '') ~= seen_word) then
  redis.call('DEL', lease)
  return 0
end
local function keep(key)
  if redis.call('PTTL', key) < life then
    redis.call('PEXPIRE', key, ARGV[6])
  end
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local put, expires = string.format('%.0f', now), string.format('%.0f', now + life * 1000)
local epoch, others = string.sub(present, 1, 24), {}
if redis.call('HGET', hash, 'e') ~= epoch then
  others = redis.call('HKEYS', hash)
end
redis.call('HSET', hash, 'e', epoch, 'v' .. variant, entry, 't' .. variant, put .. ' ' .. expires)
for _, field in ipairs(others) do
  if field ~= 'g' and field ~= 'e' and string.sub(field, 2) ~= variant then
    redis.call('HDEL', hash, field)
  end
end
redis.call('DEL', lease)
keep(hash)
for i = 4, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', put)
  redis.call('ZADD', KEYS[i], expires, member)
  keep(KEYS[i])
end
if redis.call('HLEN', hash) > 2 * most then
  local kept = {}
  for _, field in ipairs(redis.call('HKEYS', hash)) do
    if string.sub(field, 1, 1) == 't' then
      kept[#kept + 1] = { redis.call('HGET', hash, field), string.sub(field, 2) }
    end
  end
  table.sort(kept, function(a, b) return a[1] < b[1] end)
  for i = 1, #kept - most do
    redis.call('HDEL', hash, 'v' .. kept[i][2], 't' .. kept[i][2])
  end
end
return 1
]]

scripts.remove = [[
redis.call('DEL', KEYS[2])
return redis.call('HDEL', KEYS[1], 'v' .. ARGV[1], 't' .. ARGV[1])
]]

-- Both begin with one that a full server takes, and so all are taken. KEYS: hashes and leases, by
-- turns.
scripts.invalidate = [[
for i = 1, #KEYS, 2 do
  redis.call('DEL', KEYS[i], KEYS[i + 1])
  redis.call('HSET', KEYS[i], 'g', ARGV[1])
  redis.call('PEXPIRE', KEYS[i], ARGV[2])
end
return 1
]]

scripts.begin_epoch = [[
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1])
return 1
]]

scripts.mark = [[
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return 1
]]

-- From now on, nothing is kept that is being fetched just now.
scripts.change_marker = [[
redis.call('SET', KEYS[1], string.sub(redis.call('GET', KEYS[1]) or '', 1, 24) .. ARGV[1])
return 1
]]

-- KEYS: the marker, a tag's set, and hashes; ARGV: for each of the latter member, variant and
-- score. One that was put again since then, maybe without the tag, has another time.
scripts.drop_tagged = HASHES .. [[
local dropped = 0
for i = 3, #KEYS do
  local member, variant, score = ARGV[3 * i - 8], ARGV[3 * i - 7], ARGV[3 * i - 6]
  local times = redis.call('HGET', KEYS[i], 't' .. variant)
  if times and string.match(times, '%d+$') == score then
    dropped = dropped + (count(KEYS[i]) > 0 and 1 or 0)
    redis.call('HDEL', KEYS[i], 'v' .. variant, 't' .. variant)
  end
  redis.call('ZREM', KEYS[2], member)
end
return dropped
]]

scripts.drop = HASHES .. [[
local dropped = 0
for i = 2, #KEYS do
  dropped = dropped + count(KEYS[i])
  drop(KEYS[i])
end
return { dropped }
]]

-- What is of another epoch.
scripts.sweep = HASHES .. [[
for i = 2, #KEYS do
  if redis.call('HGET', KEYS[i], 'e') ~= epoch then
    drop(KEYS[i])
  end
end
return {}
]]

scripts.weigh = HASHES .. [[
local entries, bytes = 0, 0
for i = 2, #KEYS do
  if count(KEYS[i]) > 0 then
    for _, field in ipairs(redis.call('HKEYS', KEYS[i])) do
      if string.sub(field, 1, 1) == 'v' then
        entries = entries + 1
        bytes = bytes + #KEYS[i] + redis.call('HSTRLEN', KEYS[i], field)
      end
    end
  end
end
return { entries, bytes }
]]

-- For each entry the place of its hash among the keys, its bytes, and when it is of no more use, in
-- seconds. KEYS as above.
scripts.list = HASHES .. [[
local list = {}
for i = 2, #KEYS do
  if count(KEYS[i]) > 0 then
    for _, field in ipairs(redis.call('HKEYS', KEYS[i])) do
      local times = string.sub(field, 1, 1) == 'v'
        and redis.call('HGET', KEYS[i], 't' .. string.sub(field, 2))
      if times then
        list[#list + 1] = i
        list[#list + 1] = #KEYS[i] + redis.call('HSTRLEN', KEYS[i], field)
        list[#list + 1] = math.floor((tonumber(string.match(times, '%d+$')) or 0) / 1000000)
      end
    end
  end
end
return list
]]

scripts.release = [[
return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0
]]

-- A bucket of tokens. KEYS: its name; ARGV: microseconds from one token to the next, and for all
-- but one that it holds. Returns how long there is none yet; 0: one was taken.
scripts.take_token = [[
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = full_at - ARGV[2] - now
if wait > 0 then
  return math.ceil(wait)
end
full_at = full_at + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.17g', full_at), 'PX',
  string.format('%.0f', math.ceil((full_at - now) / 1000) + 1))
return 0
]]

-- There are none for so long. ARGV: microseconds, and for all but one that it holds.
scripts.hold_tokens = [[
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now + ARGV[1] + ARGV[2])
redis.call('SET', KEYS[1], string.format('%.17g', full_at), 'PX',
  string.format('%.0f', math.ceil((full_at - now) / 1000) + 1))
return 1
]]

return scripts
