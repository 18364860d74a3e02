--- What `viesti` says of a name that it has not: nothing, as any table, but where the name is that
--- of a class or a call, which nil would hide until it is called.
local core = require "viesti.core"
local nearest = require "viesti.base.nearest"
local optional = require "viesti.base.optional"
local tables = require "viesti.base.tables"

-- The calls that other libraries have, by the method that they send.
local CALLS = {
  get = "GET", request = "GET", fetch = "GET", send = "GET", head = "HEAD", post = "POST",
  put = "PUT", patch = "PATCH", delete = "DELETE", options = "OPTIONS",
}

local function refuse(name, hint)
  error(("%sviesti has no '%s'%s"):format(core.place(), name, hint), 0)
end

local function likely(viesti, name)
  local names = tables.sorted_keys(viesti)
  for optional_name in pairs(optional.MODULES) do
    names[#names + 1] = optional_name
  end
  return nearest(name, names)
end

--- The value of a name that is not among those of `viesti`.
---@param viesti table
---@param name any
---@return any
return function(viesti, name)
  if optional.MODULES[name] then
    local value, reason = optional.load(name)
    return value or error(core.place() .. reason, 0)
  elseif CALLS[name] then
    local method = CALLS[name] ~= "GET" and ('method = "%s", '):format(CALLS[name]) or ""
    refuse(name, (": a sender sends, viesti.SyncSender():send { %surl = ... }"):format(method))
  elseif type(name) == "string" and name:find "^%u%w*%l" then
    local near = likely(viesti, name)
    refuse(name, near and (", did you mean '%s'?"):format(near) or "")
  end
end
