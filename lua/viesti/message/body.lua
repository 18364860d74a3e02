--- The body of a request, from the one option that gives it.
local core = require "viesti.core"
local fields = require "viesti.message.fields"
local format = require "viesti.base.format"
local json = require "viesti.message.json"
local multipart = require "viesti.message.multipart"

local body = {}

--- The options that give a body, of which a request has one.
local OPTIONS = { "data", "json", "content", "multipart" }
body.OPTIONS = OPTIONS

--- The first of them that is among a request's options, nil for none.
---@return string? name
function body.given(values)
  for index = 1, #OPTIONS do
    if values[OPTIONS[index]] ~= nil then
      return OPTIONS[index]
    end
  end
end

-- Another one than the first.
local function given_beside(values, first)
  for _, name in ipairs(OPTIONS) do
    if values[name] ~= nil and name ~= first then
      return name
    end
  end
end

local PIECE = 64 * 1024

local readers = {}

function readers.data(data)
  local flat, wrong = fields.flatten("data", data, "text")
  return flat and { bytes = fields.encode(flat), media_type = core.media_types.data },
    wrong
end

function readers.json(value)
  local text, wrong = json.encode(value)
  return text and { bytes = text, media_type = core.media_types.json }, wrong
    and "json cannot hold " .. wrong
end

function readers.content(content, length, source, is_factory)
  if source then
    return { source = source, length = length or source.length }
  elseif type(content) == "string" then
    return { bytes = content }
  elseif type(content) == "function" then
    local source_of = is_factory and "open" or "reader"
    return { source = { [source_of] = content }, length = length }
  end
  local start = content:seek()
  local size = start and content:seek "end"
  if not size then
    return nil, "content is a file that cannot be sought in"
  end
  content:seek("set", start)
  length = size - start
  return { source = { file = content, start = start, length = length }, length = length }
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
--- nil and what is wrong. Where `content` is that of an earlier request, `source` is that one's.
function body.read(values, source)
  local found = body.given(values)
  local another = found and given_beside(values, found)
  if another then
    return nil, ("%s and %s are both given, a request has one body"):format(found, another)
  elseif values.length and type(values.content) ~= "function" then
    return nil, "length is for a body that a function in content supplies"
  elseif values.factory and type(values.content) ~= "function" then
    return nil, "factory is for a function in content, which makes one that supplies the body"
  elseif not found then
    return {}
  end
  return readers[found](values[found], values.length, source, values.factory)
end

--- What is wrong with a source that an earlier request had, or nil.
---@return string? reason
function body.check_source(source)
  if source.file and io.type(source.file) ~= "file" then
    return "the file in content has been closed"
  end
end

-- Where the file stands is its owner's affair, and another attempt may read it meanwhile.
local function read_file(source)
  local file, position = source.file, source.start
  return function()
    local wrong = body.check_source(source)
    if wrong then
      return nil, wrong
    end
    local piece, reason = core.read_at(file, position, PIECE)
    position = position + #(piece or "")
    return piece, reason
  end
end

local SPENT = "the body has been read already, and its function cannot be asked for it again"

-- Whoever asks first has it: what was never asked can still be sent.
local function read_once(source)
  local mine = false
  return function()
    if source.spent and not mine then
      return nil, SPENT
    end
    source.spent, mine = true, true
    return source.reader()
  end
end

--- A reader of the source of a body from its start, for one attempt; or nil and why there is none.
---@return function? reader, string? reason
function body.open(source)
  if source.spent then
    return nil, SPENT
  end
  if source.open then
    local reader = source.open()
    if type(reader) ~= "function" then
      return nil, "the factory in content must return a function, it returned "
        .. format.given(reader)
    end
    return reader
  end
  return source.reader and read_once(source) or read_file(source)
end

return body
