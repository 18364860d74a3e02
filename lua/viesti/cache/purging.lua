--- What a store is asked to forget, and what it says of that.
local core = require "viesti.core"
local format = require "viesti.base.format"

local purging = {}

--- What `delete` and `clear` return: true, or nil and why not. A store of the user's that says
--- nothing has done it.
---@return true? done, string? reason
function purging.outcome(done, reason)
  if done == nil and reason ~= nil then
    return nil, reason
  end
  return true
end

--- Whether the URL of a key begins so: it stands first there, or behind a partition's line.
---@param key string
---@param prefix string
---@return boolean
function purging.begins(key, prefix)
  local line = key:find("\n", 1, true)
  return key:sub(1, #prefix) == prefix
    or line ~= nil and key:sub(line + 1, line + #prefix) == prefix
end

--- Reads { tag = "a" } or { prefix = "https://example.org/a/" }: the kind, and the tag or prefix.
--- Raises, blaming the user's line, where it is neither.
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
