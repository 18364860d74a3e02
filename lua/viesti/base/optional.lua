--- What stands in modules and rocks of its own, by the names that it has in `viesti` and in chain
--- files; it is loaded when it is first asked for.
local optional = {}

--- By name: the module, the rock that has it, and what to call it.
optional.MODULES = {
  sqlite = { module = "viesti.sqlite", rock = "viesti-sqlite", title = "the store for SQLite" },
  redis = { module = "viesti.redis", rock = "viesti-redis", title = "the store for Redis" },
  RedisLimit = { module = "viesti.redis.limit", rock = "viesti-redis", title = "RedisLimit" },
}

local NOT_ENOUGH_MEMORY = "not enough memory" -- Lua's own words

--- What `require` raised, without the places where it has looked. Want of memory is raised again.
---@param raised any
---@return string
function optional.in_words(raised)
  if raised == NOT_ENOUGH_MEMORY then
    error(raised, 0)
  end
  local reason = tostring(raised)
  return reason:match "module '[^\n']*' not found" or (reason:gsub("%s+", " "))
end

--- What the module returns; or nil and a sentence where it cannot be loaded.
---@param name string
---@return any value, string? reason
function optional.load(name)
  local place = optional.MODULES[name]
  local is_there, value = pcall(require, place.module)
  if is_there then
    return value
  end
  local reason = optional.in_words(value)
  if reason == ("module '%s' not found"):format(place.module) then
    return nil, ("%s is not installed, it is the rock %s"):format(place.title, place.rock)
  end
  return nil, ("%s cannot be loaded: %s"):format(place.title, reason)
end

return optional
