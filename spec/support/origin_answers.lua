-- What an answer of a script looks like on the wire, and how its end is played.

local header_list = require("spec.support.header_list")

local origin_answers = {}

local reasons = {
  [200] = "OK",
  [201] = "Created",
  [202] = "Accepted",
  [204] = "No Content",
  [206] = "Partial Content",
  [301] = "Moved Permanently",
  [302] = "Found",
  [303] = "See Other",
  [304] = "Not Modified",
  [307] = "Temporary Redirect",
  [308] = "Permanent Redirect",
  [400] = "Bad Request",
  [401] = "Unauthorized",
  [403] = "Forbidden",
  [404] = "Not Found",
  [405] = "Method Not Allowed",
  [417] = "Expectation Failed",
  [429] = "Too Many Requests",
  [500] = "Internal Server Error",
  [502] = "Bad Gateway",
  [503] = "Service Unavailable",
  [504] = "Gateway Timeout",
}

local flood_block = 16384
local drip_seconds = 0.05

-- An answer that names an end and nothing to say says nothing.
local function is_silent(answer)
  local speaks = answer.status or answer.reason or answer.headers or answer.body or answer.etag
  return not speaks and (answer.hang or answer.reset or answer.close)
end

local function weak(tag)
  return (tag:gsub("^W/", ""))
end

local function is_not_modified(answer, request)
  if not answer.etag or (request.method ~= "GET" and request.method ~= "HEAD") then
    return false
  end
  for _, value in ipairs(header_list.get_all(request.headers, "if-none-match")) do
    if value == "*" then
      return true
    end
    for tag in value:gmatch('W?/?"[^"]*"') do
      if weak(tag) == weak(answer.etag) then
        return true
      end
    end
  end
  return false
end

local function is_kept_alive(answer, request)
  if answer.close or header_list.has_token(answer.headers or {}, "connection", "close") then
    return false
  elseif request.version == "HTTP/1.0" then
    return header_list.has_token(request.headers, "connection", "keep-alive")
  end
  return not header_list.has_token(request.headers, "connection", "close")
end

local function frame_chunked(answer)
  local body, chunks = answer.body or "", {}
  local size = answer.chunked == true and math.max(1, #body) or math.tointeger(answer.chunked)
  for from = 1, #body, size do
    local chunk = body:sub(from, from + size - 1)
    chunks[#chunks + 1] = ("%x\r\n%s\r\n"):format(#chunk, chunk)
  end
  return table.concat(chunks) .. "0\r\n\r\n"
end

local function render(answer, request, kept_alive)
  local not_modified = is_not_modified(answer, request)
  local status = not_modified and 304 or math.tointeger(answer.status or 200)
  local reason = answer.reason or reasons[status] or "Status"
  local lines = { ("HTTP/1.1 %03d %s"):format(status, reason) }
  local given = {}
  local function add(name, value)
    given[name:lower()] = true
    lines[#lines + 1] = name .. ": " .. value
  end
  if answer.etag then
    add("ETag", answer.etag)
  end
  for _, pair in ipairs(answer.headers or {}) do
    if not (not_modified and pair[1]:lower():find("^content%-")) then
      add(pair[1], pair[2])
    end
  end
  if not kept_alive and answer.close ~= "silent" and not given["connection"] then
    add("Connection", "close")
  end
  local body = answer.body or ""
  if status < 200 or status == 204 or status == 304 then
    body = ""
  elseif answer.chunked then
    add("Transfer-Encoding", "chunked")
    body = frame_chunked(answer)
  elseif not given["content-length"] and not given["transfer-encoding"] then
    add("Content-Length", tostring(#body))
  end
  if request.method == "HEAD" then
    body = ""
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

local function wire_bytes(answer, request, kept_alive)
  local drip = answer.drip
  if answer.raw then
    return answer.raw
  elseif drip and type(drip.bytes) == "string" then
    return drip.bytes
  end
  return is_silent(answer) and "" or render(answer, request, kept_alive)
end

local function send_slowly(connection, bytes, drip)
  local step = type(drip.bytes) == "number" and drip.bytes or drip.size or 1
  for from = 1, #bytes, step do
    if from > 1 then
      connection:pause(drip.interval or drip_seconds)
    end
    connection:send(bytes:sub(from, from + step - 1))
  end
end

local function send_forever(connection, unit)
  local block = unit:rep(flood_block // #unit + 1)
  while true do
    connection:send(block)
  end
end

-- Plays the answer to its end. Returns whether the connection goes on.
function origin_answers.play(connection, request, answer)
  if answer.delay then
    connection:pause(answer.delay)
  end
  local is_raw = answer.raw or (answer.drip and type(answer.drip.bytes) == "string")
  local kept_alive = not answer.early and is_kept_alive(answer, request)
  local bytes = wire_bytes(answer, request, kept_alive)
  if answer.after then
    bytes = bytes:sub(1, math.tointeger(answer.after))
  end
  if answer.drip then
    send_slowly(connection, bytes, answer.drip)
  else
    connection:send(bytes)
  end
  if answer.forever then
    send_forever(connection, answer.forever)
  elseif answer.hang then
    connection:pause()
  elseif answer.reset then
    connection:reset()
    return false
  end
  if answer.early then
    connection:close_after_drain()
    return false
  elseif answer.after or not (kept_alive or is_raw and not answer.close) then
    connection:close()
    return false
  end
  return true
end

return origin_answers
