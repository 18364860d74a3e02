--- What the server does in one step. Under the store's prefix it has
---
---   marker   a random word, another one after each purge or clear
---   k:KEY    a hash: "g", a random word since the key was invalidated; for each variant
---            "v" .. variant, the entry, and "t" .. variant, when it was put and when it is of no
---            more use, in microseconds
---   t:TAG    a sorted set: "length of key:key" .. variant by the latter
---   l:KEY    a lease: a random word
---   r:KEY    of a rate limit: when its bucket is full again, in microseconds
---
--- A generation is the marker and the "g" that were there when the entries were read; what was
--- fetched under another one is not stored.
local scripts = {}

-- Its first command that writes is the one that a full server refuses: none behind it is.
scripts.put = [[
local hash, marker, lease = KEYS[1], KEYS[2], KEYS[3]
local checked, seen_marker, seen_word, variant, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local life, most, member = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
if checked == '1' and ((redis.call('GET', marker) or '') ~= seen_marker
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
redis.call('HSET', hash, 'v' .. variant, entry, 't' .. variant, put .. ' ' .. expires)
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

-- It begins with one that a full server takes, and so all are taken.
scripts.invalidate = [[
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'g', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
]]

-- KEYS: a tag's set and hashes; ARGV: for each of the latter member, variant and score. One that
-- was put again since then, maybe without the tag, has another time.
scripts.drop_tagged = [[
local dropped = 0
for i = 2, #KEYS do
  local member, variant, score = ARGV[3 * i - 5], ARGV[3 * i - 4], ARGV[3 * i - 3]
  local times = redis.call('HGET', KEYS[i], 't' .. variant)
  if times and string.match(times, '%d+$') == score then
    redis.call('HDEL', KEYS[i], 'v' .. variant, 't' .. variant)
    dropped = dropped + 1
  end
  redis.call('ZREM', KEYS[1], member)
end
return dropped
]]

scripts.drop = [[
local dropped = 0
for _, key in ipairs(KEYS) do
  dropped = dropped + math.floor(redis.call('HLEN', key) / 2)
  redis.call('DEL', key)
end
return dropped
]]

scripts.weigh = [[
local count, bytes = 0, 0
for _, key in ipairs(KEYS) do
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if string.sub(field, 1, 1) == 'v' then
      count = count + 1
      bytes = bytes + #key + redis.call('HSTRLEN', key, field)
    end
  end
end
return { count, bytes }
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
