-- JSON: what is read is written, and reads as the same once more; what cannot be read, or written,
-- is said in words.
--
-- The input: a JSON text.

local json = require "viesti.message.json"
local promise = require "spec.fuzz.promise"

return function(text)
  local value, wrong = json.decode(text, true)
  if value == nil then
    return promise.sentence(wrong)
  end
  local first, reason = json.encode(value)
  if not first then
    return promise.sentence(reason)
  end
  assert(utf8.len(first), "JSON is UTF-8")
  local again, lost = json.decode(first, true)
  assert(again ~= nil, lost)
  promise.same(first, json.encode(again), "written again")
  json.decode(text)
end
