-- The note beside a part of a download, and what header fields say of parts: it goes on with what
-- can be a part of the same only, and a range lies within its whole.
--
-- The input: the note; or a value of Content-Range, ETag, Last-Modified and Content-Length.

local PartFile = require "viesti.downloads.part_file"
local Response = require "viesti.message.response"
local promise = require "spec.fuzz.promise"
local ranges = require "viesti.downloads.ranges"

local URL = "https://example.org/file"
local PART = "the bytes that are there"
local PATH = promise.path()

local function check_note(text)
  promise.write(PATH .. ".part", PART)
  promise.write(PATH .. ".part.json", text)
  do
    local part <close> = assert(PartFile.open(PATH, URL, true))
    promise.same(#PART, part.size, "its size")
    assert(part.total == nil or part.validator and part.total >= #PART, "more than the whole")
    assert(part.validator == nil or not part.validator:find "[\r\n%z]", "no field's value")
    promise.same(part.validator and #PART or 0, part:offset(), "where it goes on")
  end
  promise.same(PART, promise.read(PATH .. ".part"), "the part")
  os.remove(PATH .. ".part")
  os.remove(PATH .. ".part.json")
end

local function check_fields(text)
  local fields = {}
  for _, name in ipairs { "Content-Range", "ETag", "Last-Modified", "Content-Length" } do
    fields[#fields + 1] = { name, text }
  end
  local made, response = pcall(Response.build, { status_code = 206, headers = fields, url = "",
    body = "" })
  if not (made and response) then
    return
  end
  local first, last, total = ranges.satisfied(response.headers)
  assert(first == nil or 0 <= first and first <= last and (total == nil or last < total),
    "no range")
  for _, length in ipairs { ranges.unsatisfied(response.headers), ranges.length(response) } do
    assert(math.type(length) == "integer" and length >= 0, "no length")
  end
  local validator = ranges.strong_validator(response.headers)
  assert(validator == nil or ranges.may_be_of(validator, response.headers), "of another")
end

return function(text)
  check_note(text)
  check_fields(text)
end
