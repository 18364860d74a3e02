--- Chain files, as the command takes them.
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"
local format = require "viesti.format"
local viesti = require "viesti"

local chain_file = {}

local function read(path)
  local file <close>, reason = io.open(path, "rb")
  local text
  if file then
    text, reason = file:read "a"
  end
  if not text then
    failure.raise(exit_codes.USAGE, reason)
  end
  return text
end

--- The chain of a file. Raises failures.
---@param path string
---@return viesti.Sender
function chain_file.load(path)
  local chain, reason = viesti.load(read(path), "@" .. path)
  if not chain then
    failure.raise(exit_codes.USAGE, reason)
  end
  return chain
end

local function add_layers(lines, described)
  while described do
    lines[#lines + 1] = described.class
    local names = {}
    for name in pairs(described.options) do
      names[#names + 1] = name
    end
    table.sort(names)
    for _, name in ipairs(names) do
      lines[#lines + 1] = ("  %s = %s"):format(name, format.value(described.options[name]))
    end
    described = described.sender
  end
end

--- What `viesti check` prints, and whether the file is a chain.
---@param path string
---@return boolean is_chain, string text
function chain_file.check(path)
  local done, chain = pcall(chain_file.load, path)
  if not done then
    return false, tostring(chain)
  end
  local lines = {}
  add_layers(lines, chain:describe())
  for _, warning in ipairs(chain:check()) do
    lines[#lines + 1] = "warning: " .. warning
  end
  return true, table.concat(lines, "\n")
end

return chain_file
