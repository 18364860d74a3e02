--- What a store is asked to purge: { tag = "a" } or { prefix = "https://example.org/a/" }.
local core = require "viesti.core"
local format = require "viesti.format"

local purging = {}

--- The kind, and the tag or prefix; raises, blaming the user's line, where it is neither.
---@param what { tag?: string, prefix?: string }
---@param store? string whose purge it is, where that is not the core's own
---@return "tag"|"prefix" kind, string text
function purging.read(what, store)
  local kind, text
  if type(what) == "table" then
    kind, text = next(what)
  end
  if (kind ~= "tag" and kind ~= "prefix") or type(text) ~= "string" or text == ""
    or next(what, kind) ~= nil then
    error(("%s%spurge needs { tag = ... } or { prefix = ... }, a string each, got %s"):format(
      core.place(), store and store .. ": " or "", format.value(what)), 0)
  end
  return kind, text
end

return purging
