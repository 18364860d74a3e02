--- Cassette: exchanges in a text file, one a line, for a RecordingSender. Its first line says what
--- the file is; each other one is a JSON object of a request and what it came to: a response, an
--- error, or both, where a streamed body broke off. No secret gets there.
local exchange = require "viesti.testing.exchange"
local save = require "viesti.message.save"

local FIRST_LINE = '{"viesti":"cassette","version":1}'

---@class viesti.Cassette
---@field path string
local Cassette = {}
Cassette.__index = Cassette

local cassette = {}

--- An empty one.
---@param path string
---@param rules viesti.Redaction
---@return viesti.Cassette
function cassette.new(path, rules)
  return setmetatable({ path = path, rules = rules, lines = { FIRST_LINE }, queues = {} },
    Cassette)
end

local function queue_of(self, request)
  local key = exchange.key(request)
  local queue = self.queues[key] or { used = 0 }
  self.queues[key] = queue
  return queue
end

local function read_lines(self, lines)
  if lines() ~= FIRST_LINE then
    return self.path .. " is no cassette of this version"
  end
  for line in lines do
    local read, wrong = exchange.decode(line)
    if not read then
      return ("%s is damaged: line %d: %s"):format(self.path, #self.lines + 1, wrong)
    end
    self.lines[#self.lines + 1] = line
    local queue = queue_of(self, read.request)
    queue[#queue + 1] = read
  end
end

--- What the file holds; or nil and what is wrong with it.
---@param path string
---@param rules viesti.Redaction
---@return viesti.Cassette?, string? reason
function cassette.read(path, rules)
  local file <close>, reason = io.open(path, "rb")
  if not file then
    return nil, reason
  end
  local self = cassette.new(path, rules)
  local wrong = read_lines(self, file:lines())
  return not wrong and self or nil, wrong
end

--- The next of the exchanges in the file that are for such a request; or nil, and how many there
--- were.
---@param request viesti.Request
---@return viesti.Exchange? found, integer? used
function Cassette:take(request)
  local queue = queue_of(self, exchange.request(request, self.rules))
  if queue.used == #queue then
    return nil, queue.used
  end
  queue.used = queue.used + 1
  return queue[queue.used]
end

--- Adds an exchange, and writes the file: whole, or not at all.
---@param request viesti.Request
---@param response viesti.Response? not streamed
---@param err viesti.Error?
---@return boolean? done, string? reason
function Cassette:add(request, response, err)
  local line, wrong = exchange.encode(request, response, err, self.rules)
  if not line then
    return nil, wrong
  end
  self.lines[#self.lines + 1] = line
  local written, reason = save({ body = table.concat(self.lines, "\n") .. "\n" }, self.path)
  return written ~= nil or nil, reason
end

return cassette
