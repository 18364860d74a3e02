--- What a layer counts requests by: their origin, or what its option `key` makes of them.
local core = require "viesti.core"
local format = require "viesti.base.format"
local Request = require "viesti.message.request"

--- The declaration of that option.
local spec = { name = "key", type = "string|function",
  doc = "what is counted by: a function of the request that returns a string, or nil for what is "
    .. "not counted; or one string for all requests; the request's origin if nothing is given" }

--- A function of what `send` is given that returns its key, nil where it is not counted, and itself
--- as a Request; for the layer of that name, and its option.
---@param name string
---@param key string|function|nil
---@return fun(given: viesti.Request|viesti.Request.Options): string?, viesti.Request
local function of(name, key)
  if key == nil then
    return core.origin
  elseif type(key) == "string" then
    return function(request)
      return key, Request.from(request)
    end
  end
  return function(request)
    request = Request.from(request)
    local value = key(request)
    if value ~= nil and type(value) ~= "string" then
      error(("%s%s: key must return a string, or nil for what is not counted, it returned %s")
        :format(core.place_of(key), name, format.given(value)), 0)
    end
    return value, request
  end
end

--- Raises where what a method of that name is asked about is no key.
---@param what string
---@param key any
local function check(what, key)
  if type(key) ~= "string" then
    error(('%s%s needs a key, a string such as "https://example.org", got %s'):format(core.place(),
      what, format.given(key)), 0)
  end
end

return { spec = spec, of = of, check = check }
