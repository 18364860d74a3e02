--- The body of a request, from the one option that gives it.
local fields = require "viesti.fields"
local json = require "viesti.json"
local multipart = require "viesti.multipart"

local body = {}

--- The options that give a body, of which a request has one.
body.OPTIONS = { "data", "json", "content", "multipart" }

local PIECE = 64 * 1024

local readers = {}

function readers.data(data)
  local flat, wrong = fields.flatten("data", data, "text")
  return flat and { bytes = fields.encode(flat), media_type = "application/x-www-form-urlencoded" },
    wrong
end

function readers.json(value)
  local text, wrong = json.encode(value)
  return text and { bytes = text, media_type = "application/json" }, wrong
    and "json cannot hold " .. wrong
end

function readers.content(content, length)
  if type(content) == "string" then
    return { bytes = content }
  elseif type(content) == "function" then
    return { source = content, length = length }
  end
  local start = content:seek()
  local size = start and content:seek "end"
  if not size then
    return nil, "content is a file that cannot be sought in"
  end
  content:seek("set", start)
  return { source = { file = content, start = start }, length = size - start }
end

function readers.multipart(parts)
  local wrong
  if type(parts) == "table" then
    parts, wrong = multipart(parts)
  end
  return parts and { parts = parts }, wrong
end

--- The body among a request's options: a table of `bytes` and their `media_type`, or `source` (what
--- body.open reads from) and its `length` if known, or `parts`; an empty one if there is none. Or
--- nil and what is wrong.
function body.read(values)
  local found
  for _, name in ipairs(body.OPTIONS) do
    if values[name] ~= nil and found then
      return nil, ("%s and %s are both given, a request has one body"):format(found, name)
    end
    found = values[name] ~= nil and name or found
  end
  if values.length and type(values.content) ~= "function" then
    return nil, "length is for a body that a function in content supplies"
  elseif not found then
    return {}
  end
  return readers[found](values[found], values.length)
end

--- Sets a body's file to that position; or returns nil and what is wrong.
---@return true? done, string? reason
function body.rewind(file, position)
  if io.type(file) ~= "file" then
    return nil, "the file in content has been closed"
  end
  file:seek("set", position)
  return true
end

-- Where the file stands is its own: another sending may read the same one meanwhile.
local function read_file(file, position)
  return function()
    local there, wrong = body.rewind(file, position)
    if not there then
      return nil, wrong
    end
    local piece, reason = file:read(PIECE)
    position = position + #(piece or "")
    return piece, reason
  end
end

--- A reader of the source of a body from its start, for one sending.
function body.open(source)
  return type(source) == "function" and source or read_file(source.file, source.start)
end

return body
