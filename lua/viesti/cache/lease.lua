--- Of all the machines that share a store, one fetches what is missing in it, and the others wait
--- until it is there: where the store has leases (`lease_seconds`, `lease(key, seconds)`, which is
--- false if somebody else is at it, and, if it can be given back early, `release(key)`).
local core = require "viesti.core"
local remembered = require "viesti.cache.remembered"

---@class viesti.Lease
local Lease = {}
Lease.__index = Lease

-- Seconds between looks at the store: at first, and at most.
local FIRST_WAIT, LONGEST_WAIT = 0.01, 0.2

-- However it ends, others need not wait until the lease has run out by itself.
local function releasing(far, key)
  return setmetatable({}, { __close = function()
    if far.store.release then
      far:call("release", key)
    end
  end })
end

-- Between the look and the lease it may have come, by whoever had the lease until then.
local function lead(self, key, fetch, look_up)
  local _ <close> = releasing(self.far, key)
  local found = look_up()
  if found then
    return found
  end
  local response, err, stored = fetch()
  if not stored then
    self.apart:add(key) -- waiting for what is not for all would only make a queue
  end
  return response, err
end

--- Returns what `fetch()` returns, which is a response, an error, and whether anything was done in
--- the store; or what `look_up()` finds meanwhile. `sleep(seconds)` waits.
---@param key string
function Lease:run(key, fetch, look_up, sleep)
  local seconds, wait = self.far.store.lease_seconds, FIRST_WAIT
  local till = core.now() + seconds
  while not self.apart:has(key) and core.now() < till do
    if self.far:call("lease", key, seconds) ~= false then
      return lead(self, key, fetch, look_up)
    end
    sleep(wait)
    local response = look_up()
    if response then
      return response
    end
    wait = math.min(2 * wait, LONGEST_WAIT)
  end
  return fetch()
end

--- Of a guarded store; nil for one without leases.
---@return viesti.Lease?
return function(far)
  local store = far and far.store
  if store and type(store.lease) == "function" and (store.lease_seconds or 0) > 0 then
    return setmetatable({ far = far, apart = remembered() }, Lease)
  end
end
