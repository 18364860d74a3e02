-- One accepted connection as a task sees it: blocking reads and writes that suspend the task.
-- When the client goes away they raise connection.closed.

local socket = require("socket")

local connection = {}

connection.closed = setmetatable({}, {
  __tostring = function()
    return "connection closed"
  end,
})

local Connection = {}
Connection.__index = Connection

local drain_seconds = 1
local reset_pause = 0.02

function connection.new(handle, scheduler, number)
  handle:settimeout(0)
  return setmetatable({
    handle = handle,
    scheduler = scheduler,
    number = number,
    buffer = "",
  }, Connection)
end

-- Takes in what has arrived; false if that is nothing.
local function take(self)
  local data, problem, partial = self.handle:receive(65536)
  data = data or partial or ""
  if data == "" and problem ~= "timeout" then
    error(connection.closed, 0)
  end
  return data ~= "" and data
end

local function take_some(self)
  local data = take(self)
  while not data do
    self.scheduler:wait("read", self.handle)
    data = take(self)
  end
  return data
end

-- A line with its end.
function Connection:line()
  local from = 1
  while true do
    local at = self.buffer:find("\n", from, true)
    if at then
      local line = self.buffer:sub(1, at)
      self.buffer = self.buffer:sub(at + 1)
      return line
    end
    from = #self.buffer + 1
    self.buffer = self.buffer .. take_some(self)
  end
end

function Connection:bytes(count)
  local chunks, size = { self.buffer }, #self.buffer
  while size < count do
    local data = take_some(self)
    chunks[#chunks + 1] = data
    size = size + #data
  end
  local all = table.concat(chunks)
  self.buffer = all:sub(count + 1)
  return all:sub(1, count)
end

-- At most that many bytes, as soon as there are some.
function Connection:some(most)
  if self.buffer == "" then
    self.buffer = take_some(self)
  end
  local bytes = self.buffer:sub(1, most)
  self.buffer = self.buffer:sub(most + 1)
  return bytes
end

function Connection:send(bytes)
  local sent = 0
  while sent < #bytes do
    local last, problem, partial = self.handle:send(bytes, sent + 1)
    sent = last or partial or sent
    if problem == "timeout" then
      self.scheduler:wait("write", self.handle)
    elseif problem then
      error(connection.closed, 0)
    end
  end
end

-- Waits, for ever without seconds, while keeping what arrives for later reads.
function Connection:pause(seconds)
  local deadline = seconds and socket.gettime() + seconds
  local left = seconds
  while self.scheduler:wait("read", self.handle, left) do
    self.buffer = self.buffer .. (take(self) or "")
    left = deadline and math.max(0, deadline - socket.gettime())
  end
end

function Connection:close()
  self.handle:close()
end

-- Closes without cutting the answer off where the client is still sending.
function Connection:close_after_drain()
  self.handle:shutdown("send")
  pcall(self.pause, self, drain_seconds)
  self.handle:close()
end

-- Ends with RST. What was sent before gets a moment to arrive, since RST discards what is unsent.
function Connection:reset()
  self:pause(reset_pause)
  self.handle:setoption("linger", { on = true, timeout = 0 })
  self.handle:close()
end

return connection
