-- Where a Redis server is: what is read can be connected to, and a password is never shown.
--
-- The input: a URL.

local address = require "viesti.redis.address"
local format = require "viesti.base.format"
local promise = require "spec.fuzz.promise"

return function(url)
  local place, wrong = address.read(url)
  if not place then
    assert(type(wrong) == "string" and wrong:find "^url ", "not said in words")
  elseif place.path then
    assert(place.path ~= "", "no path")
  else
    assert(place.host ~= "" and tonumber(place.port) <= 65535, "no place")
    assert(place.database == nil or place.database >= 0, "no database")
    if place.password then
      assert(format.url(url):find("***@", 1, true), "its password is shown")
    end
  end
  promise.same(format.url(url), format.url(format.url(url)), "shown again")
end
