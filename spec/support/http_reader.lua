-- Requests as they come from a connection.

local header_list = require("spec.support.header_list")

local http_reader = {}

local function without_end(line)
  return (line:gsub("\r?\n$", ""))
end

-- Returns { method, target, version, headers, head, body = "", malformed }, where head is the bytes
-- as they came.
function http_reader.read_head(connection)
  local line = connection:line()
  while without_end(line) == "" do
    line = connection:line()
  end
  local lines, headers, malformed = { line }, {}, false
  local method, target, version = without_end(line):match("^(%S+) (%S+) (HTTP/%d%.%d)$")
  repeat
    line = connection:line()
    lines[#lines + 1] = line
    line = without_end(line)
    local name, value = line:match("^([^%s:]+):%s*(.-)%s*$")
    if name then
      headers[#headers + 1] = { name, value }
    elseif line ~= "" then
      malformed = true
    end
  until line == ""
  return {
    method = method,
    target = target,
    version = version,
    headers = headers,
    head = table.concat(lines),
    body = "",
    malformed = malformed or not method or nil,
  }
end

local function read_chunked(connection)
  local chunks = {}
  while true do
    local digits = connection:line():match("^%x+")
    local size = digits and tonumber(digits, 16)
    if not size then
      return nil
    elseif size == 0 then
      break
    end
    chunks[#chunks + 1] = connection:bytes(size)
    connection:line()
  end
  local trailer
  repeat
    trailer = without_end(connection:line())
  until trailer == ""
  return table.concat(chunks)
end

-- Fills in request.body; a request whose body cannot be framed becomes malformed.
function http_reader.read_body(connection, request)
  local length = header_list.get(request.headers, "content-length")
  if header_list.has_token(request.headers, "transfer-encoding", "chunked") then
    request.body = read_chunked(connection)
  elseif length then
    request.body = length:find("^%d+$") and connection:bytes(math.tointeger(tonumber(length)))
  end
  if not request.body then
    request.body, request.malformed = "", true
  end
end

return http_reader
