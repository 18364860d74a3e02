-- The parts of a multipart body as a server reads them: a list of { head = the lines of the part's
-- head, content = its bytes }. Raises if the body is not framed as RFC 2046 5.1.1 says.

local function boundary_of(media_type)
  return assert(media_type:match("^multipart/[%w-]+; boundary=([%w'()+_,./:=?-]+)$"), media_type)
end

-- The text between two delimiters: a head, an empty line, the content.
local function read_part(text)
  local head, content = text:match("^(.-)\r\n\r\n(.*)$")
  local lines = {}
  for line in (assert(head, text) .. "\r\n"):gmatch("(.-)\r\n") do
    lines[#lines + 1] = line
  end
  return { head = lines, content = content }
end

return function(media_type, body)
  local delimiter = "\r\n--" .. boundary_of(media_type)
  local parts, text = {}, "\r\n" .. body
  local _, at = text:find(delimiter, 1, true)
  assert(at == #delimiter, "it does not begin with its boundary")
  while text:sub(at + 1, at + 2) == "\r\n" do
    local from, to = text:find(delimiter, at + 1, true)
    parts[#parts + 1] = read_part(text:sub(at + 3, assert(from, "a part has no end") - 1))
    at = to
  end
  assert(text:sub(at + 1) == "--\r\n", "it does not end with its boundary")
  return parts
end
