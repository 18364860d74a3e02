--- Chain files, as the command takes them.
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"
local viesti = require "viesti"

local chain_file = {}

-- What is no file would be taken for a text.
local function check_file(path)
  local file <close>, reason = io.open(path, "rb")
  if file then
    reason = select(2, file:read(0))
    reason = reason and ("%s: %s"):format(path, reason)
  end
  if reason then
    failure.raise(exit_codes.USAGE, reason)
  end
end

--- The chain of a file. Raises failures.
---@param path string
---@return viesti.Sender
function chain_file.load(path)
  check_file(path)
  local chain, reason = viesti.load(path)
  if not chain then
    failure.raise(exit_codes.USAGE, reason)
  end
  return chain
end

--- What `viesti check` prints, and whether the file is a chain. Raises failures.
---@param path string
---@param trusted boolean
---@return boolean is_chain, string text
function chain_file.check(path, trusted)
  check_file(path)
  return viesti.check(path, nil, { trusted = trusted })
end

return chain_file
