--- The stores that the command opens, by their names at the shell.
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"
local format = require "viesti.base.format"
local optional = require "viesti.base.optional"

local stores = {}

local MAGIC = "SQLite format 3\0"

local function module_of(name)
  local module, reason = optional.load(name)
  return module or failure.raise(exit_codes.STORE, reason)
end

local function built(constructor, options)
  local made, store = pcall(constructor, options)
  if not made then
    failure.raise(exit_codes.STORE, failure.sentence(store))
  end
  return store
end

-- With a file that is no database the store would leave everything uncached: that is said first.
local function check_file(name, must_exist)
  local file <close>, reason = io.open(name, "rb")
  local head
  if file then
    head, reason = file:read(#MAGIC)
  elseif not must_exist then
    return
  end
  if not file then
    failure.raise(exit_codes.STORE, reason)
  elseif reason then
    failure.raise(exit_codes.STORE, ("%s: %s"):format(name, reason))
  elseif head and head ~= MAGIC then
    failure.raise(exit_codes.STORE, name .. " is no SQLite file")
  end
end

local function is_url(name)
  return name:find "^%a[%w+.-]*://" ~= nil
end

--- A store's name as others may see it.
---@param name string
---@return string
function stores.title(name)
  return is_url(name) and format.url(name) or name
end

--- A path is that of an SQLite file, which `must_exist`, say; a URL that of a Redis server.
---@param name string
---@param choices? { must_exist: boolean?, key_prefix: string? }
function stores.open(name, choices)
  choices = choices or {}
  if is_url(name) then
    return built(module_of "redis", { url = name,
      key_prefix = choices.key_prefix, timeout = 5 })
  end
  check_file(name, choices.must_exist)
  return built(module_of "sqlite", { path = name })
end

return stores
