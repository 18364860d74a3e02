--- What is sent: -d, --json and -F.
local content = require "viesti.command.content"
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"

local bodies = {}

-- A part of a form, as Request's `multipart` has it.
local function part_of(text)
  local name, value = text:match "^([^=]+)=(.*)$"
  if not name then
    failure.raise(exit_codes.USAGE, ("-F wants 'name=text' or 'name=@FILE', got '%s'"):format(text))
  end
  local file = value:match "^@(.+)$"
  if not file then
    return { name = name, content = value }
  end
  local path, kind = file:match "^(.-);%s*type=(.+)$"
  path = path or file
  if path == "-" then
    return { name = name, content = content "@-", type = kind }
  end
  return { name = name, path = path, type = kind }
end

local function has(headers, wanted)
  for _, field in ipairs(headers) do
    if field[1]:lower() == wanted then
      return true
    end
  end
  return false
end

local function add_unless_given(headers, name, value)
  if not has(headers, name:lower()) then
    headers[#headers + 1] = { name, value }
  end
end

-- How each option that brings a body puts it into what requests have in common.
local BODIES = {
  data = function(template, texts)
    local parts = {}
    for index, text in ipairs(texts) do
      parts[index] = content(text)
    end
    template.content = table.concat(parts, "&")
    add_unless_given(template.headers, "Content-Type", "application/x-www-form-urlencoded")
  end,
  json = function(template, text)
    template.content = content(text)
    add_unless_given(template.headers, "Content-Type", "application/json")
    add_unless_given(template.headers, "Accept", "application/json")
  end,
  form = function(template, texts)
    template.multipart = {}
    for index, text in ipairs(texts) do
      template.multipart[index] = part_of(text)
    end
  end,
}

--- Adds the body that the options ask for, and the fields that go with it, to what requests have in
--- common; returns whether there is one. Raises failures.
---@param template table
---@param values table
---@return boolean
function bodies.add(template, values)
  local found
  for _, name in ipairs { "data", "json", "form" } do
    if values[name] and found then
      failure.raise(exit_codes.USAGE,
        ("--%s and --%s are both given, a request has one body"):format(found, name))
    elseif values[name] then
      found = name
      BODIES[name](template, values[name])
    end
  end
  return found ~= nil
end

--- Whether any of it is on standard input.
---@param values table
---@return boolean
function bodies.read_input(values)
  for _, text in ipairs { values.json or "", table.unpack(values.data or {}) } do
    if text == "@-" then
      return true
    end
  end
  for _, part in ipairs(values.form or {}) do
    if part:find "^[^=]+=@%-" then
      return true
    end
  end
  return false
end

return bodies
