--- The parts of a multipart body, from the shapes a caller may write them in.
local core = require "viesti.core"
local fields = require "viesti.fields"
local format = require "viesti.format"
local options = require "viesti.options"
local tables = require "viesti.tables"

local declaration = {
  { name = "name", type = "string", required = true, doc = "the field's name" },
  { name = "content", type = "string|file",
    doc = "the bytes, or an open file, sent from where it stands" },
  { name = "path", type = "string", doc = "a file to send, instead of content" },
  { name = "filename", type = "string",
    doc = "the name that the server is told; that of the file if not given" },
  { name = "type", type = "string", doc = "the media type" },
  { name = "headers", type = "table|headers", doc = "further header fields of the part" },
}

-- A part without a filename is a field of a form to most servers.
local function default_filename(values)
  if values.path then
    return values.path:match "[^/]*$"
  end
  return type(values.content) == "userdata" and values.name or nil
end

local function read_part(owner, part)
  if type(part) ~= "table" then
    return nil, ("%s must be a table, got %s"):format(owner, format.given(part))
  end
  local values, wrong = options.read(owner, declaration, part)
  if not values then
    return nil, wrong
  elseif (values.content == nil) == (values.path == nil) then
    return nil, owner .. " needs either content or path"
  end
  for _, name in ipairs { "name", "filename", "type" } do
    if values[name] and values[name]:find "%c" then
      return nil, ("%s: %s must not have control characters"):format(owner, name)
    end
  end
  values.filename = values.filename or default_filename(values)
  values.fields, wrong = fields.flatten(owner .. ": headers", values.headers)
  return values.fields and values, wrong
end

-- { picture = file, title = "x" } as a list of parts, sorted by name.
local function from_names(given)
  local list = {}
  for _, name in ipairs(tables.sorted_keys(given)) do
    list[#list + 1] = { name = name, content = given[name] }
  end
  return list
end

--- The core's parts of what was given: a list of parts { name, content or path, filename, type,
--- headers }, or a table of names to contents; or nil and what is wrong.
return function(given)
  local list, parts = tables.is_list(given) and given or from_names(given), {}
  for position, part in ipairs(list) do
    local values, wrong = read_part(("multipart: part %d"):format(position), part)
    if not values then
      return nil, wrong
    end
    parts[position] = values
  end
  local multipart, reason, position = core.multipart(parts)
  if not multipart then
    local part = parts[position]
    return nil, ("multipart: part %d (%s): %s"):format(position, part.path or part.name, reason)
  end
  return multipart
end
