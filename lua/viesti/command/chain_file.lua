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

local function load_chain(path, text)
  if viesti.check then
    return viesti.load(path)
  end
  return viesti.load(text, "@" .. path)
end

--- The chain of a file. Raises failures.
---@param path string
---@return viesti.Sender
function chain_file.load(path)
  local chain, reason = load_chain(path, read(path))
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

local function check(path)
  local chain = chain_file.load(path)
  local lines = {}
  add_layers(lines, chain:describe())
  for _, warning in ipairs(chain:check()) do
    lines[#lines + 1] = "warning: " .. warning
  end
  return true, table.concat(lines, "\n") .. "\n"
end

--- What `viesti check` prints, and whether the file is a chain. Raises failures.
---@param path string
---@return boolean is_chain, string text
function chain_file.check(path)
  read(path) -- what is no file would be taken for a text
  return (viesti.check or check)(path)
end

return chain_file
