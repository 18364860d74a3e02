--- The names that a store's keys have on its server: see lua/viesti/redis/scripts.lua.

---@class viesti.redis.Names
---@field marker string
local Names = {}
Names.__index = Names

function Names:hash(key)
  return self.hashes .. key
end

function Names:lease(key)
  return self.leases .. key
end

function Names:set(tag)
  return self.sets .. tag
end

---@param prefix string
---@return viesti.redis.Names
return function(prefix)
  return setmetatable({
    marker = prefix .. "marker", hashes = prefix .. "k:", leases = prefix .. "l:",
    sets = prefix .. "t:",
  }, Names)
end
