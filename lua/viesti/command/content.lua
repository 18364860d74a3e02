--- What an argument stands for: the text itself, or what "@FILE" or "@-" leads to.
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"

--- Raises failures.
---@param text string
---@return string
return function(text)
  local path = text:match "^@(.+)$"
  if not path then
    return text
  end
  local file, reason = path == "-" and io.stdin or nil, nil
  if not file then
    file, reason = io.open(path, "rb")
  end
  local content
  if file then
    content, reason = file:read "a"
  end
  if not content then
    reason = reason:gsub("^" .. path:gsub("%p", "%%%0") .. ": ", "")
    failure.raise(exit_codes.READ, ("%s cannot be read: %s"):format(path, reason))
  end
  return content
end
