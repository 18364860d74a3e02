--- The parts of a multipart body, from the shapes a caller may write them in.
local core = require "viesti.core"
local fields = require "viesti.message.fields"
local format = require "viesti.base.format"
local number_text = require "viesti.base.number_text"
local options = require "viesti.base.options"
local tables = require "viesti.base.tables"

local declaration = {
  { name = "name", type = "string", required = true, doc = "the field's name" },
  { name = "content", type = "string|number|boolean|file",
    doc = "the bytes, or an open file, sent from where it stands; a list of them for a part each" },
  { name = "path", type = "string", doc = "a file to send, instead of content" },
  { name = "filename", type = "string",
    doc = "the name that the server is told; for a file that of the file, or the field's" },
  { name = "type", type = "string",
    doc = "the media type; with a filename, what its ending means if not given" },
  { name = "headers", type = "table|headers", doc = "further header fields of the part" },
}

-- The media types of files that forms are mostly used for.
local TYPES = {
  csv = "text/csv", gif = "image/gif", gz = "application/gzip", htm = "text/html",
  html = "text/html", jpeg = "image/jpeg", jpg = "image/jpeg", json = "application/json",
  mp3 = "audio/mpeg", mp4 = "video/mp4", pdf = "application/pdf", png = "image/png",
  svg = "image/svg+xml", tar = "application/x-tar", txt = "text/plain", webp = "image/webp",
  xml = "application/xml", zip = "application/zip",
}

-- A part without a filename is a field of a form to most servers.
local function default_filename(values)
  if values.path then
    return values.path:match "[^/]*$"
  end
  return type(values.content) == "userdata" and values.name or nil
end

-- A part without a type is text (RFC 7578 4.4), which a file may not be.
local function default_type(filename)
  if filename and filename ~= "" then
    return TYPES[(filename:match "%.(%w+)$" or ""):lower()] or "application/octet-stream"
  end
end

local function refused_text(values)
  if values.path and values.path:find "\0" then
    return "path must not have a NUL in it"
  end
  for _, name in ipairs { "name", "filename", "type" } do
    if values[name] and values[name]:find "[\0-\31\127]" then
      return name .. " must not have control characters"
    end
  end
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
  if type(values.content) == "number" then
    values.content = number_text(values.content)
  elseif type(values.content) == "boolean" then
    values.content = tostring(values.content)
  end
  values.filename = values.filename or default_filename(values)
  values.type = values.type or default_type(values.filename)
  wrong = refused_text(values)
  if wrong then
    return nil, owner .. ": " .. wrong
  end
  values.owner = owner
  values.fields, wrong = fields.flatten(owner .. ": headers", values.headers, "none")
  return values.fields and values, wrong
end

-- { picture = file, title = "x" } as a list of parts, sorted by name; and what to call each.
local function from_names(given)
  local list, names = {}, tables.sorted_keys(given)
  for position, name in ipairs(names) do
    list[position] = { name = name, content = given[name] }
    names[position] = format.value(name)
  end
  return list, names
end

-- The part for each content of a list, or the one that there is.
local function spread(part)
  local contents = type(part) == "table" and part.content
  if not tables.is_list(contents) then
    return { part }
  end
  local parts = {}
  for position, content in ipairs(contents) do
    local copy = {}
    for key, value in pairs(part) do
      copy[key] = value
    end
    copy.content = content
    parts[position] = copy
  end
  return parts
end

--- The core's parts of what was given: a list of parts { name, content or path, filename, type,
--- headers }, or a table of names to contents, which may be lists; or nil and what is wrong.
return function(given)
  local list, names = given, nil
  if not tables.is_list(given) then
    list, names = from_names(given)
  end
  local parts = {}
  for position, part in ipairs(list) do
    local owner = ("multipart: part %s"):format(names and names[position] or position)
    for _, single in ipairs(spread(part)) do
      local values, wrong = read_part(owner, single)
      if not values then
        return nil, wrong
      end
      parts[#parts + 1] = values
    end
  end
  local multipart, reason, position = core.multipart(parts)
  return multipart, not multipart and parts[position].owner .. ": " .. reason or nil
end
