--- What --stats tells at the end.
local units = require "viesti.command.units"

---@class viesti.command.Stats
local Stats = {}
Stats.__index = Stats

--- For a TracingSender.
function Stats:on_event(name)
  if name == "start" then
    self.sent = self.sent + 1
  end
end

--- What had broken off is taken again.
function Stats:on_retry()
  self.retries = self.retries + 1
end

local function retries_of(attempts)
  return attempts and math.max(0, #attempts - 1) or 0
end

--- What became of one request: `failed`, `response` or `err`, which has attempts, too, `bytes` of
--- the body, and `seconds`.
---@param outcome table
function Stats:add(outcome)
  local response, err = outcome.response, outcome.err
  self.requests = self.requests + 1
  self.failed = self.failed + (outcome.failed and 1 or 0)
  self.hits = self.hits + (response and response.from_cache and 1 or 0)
  local attempts = response and response.attempts or type(err) == "table" and err.attempts or nil
  self.retries = self.retries + retries_of(attempts)
  self.bytes = self.bytes + outcome.bytes
  self.times[#self.times + 1] = outcome.seconds
end

-- The smallest time that so many hundredths of all do not exceed.
local function percentile(sorted, hundredths)
  return sorted[math.max(1, math.ceil(#sorted * hundredths / 100))]
end

local function times_text(times)
  table.sort(times)
  local parts = {}
  for _, entry in ipairs { { "min", 0 }, { "50%", 50 }, { "90%", 90 }, { "99%", 99 },
      { "max", 100 } } do
    parts[#parts + 1] = entry[1] .. " " .. units.seconds(percentile(times, entry[2]))
  end
  return table.concat(parts, ", ")
end

---@return string
function Stats:text()
  local lines = {}
  for _, entry in ipairs { { "requests", self.requests }, { "on the wire", self.sent },
      { "hits", self.hits }, { "retries", self.retries }, { "failed", self.failed },
      { "bytes", self.bytes } } do
    lines[#lines + 1] = ("%-12s%d"):format(entry[1], entry[2])
  end
  if #self.times > 0 then
    lines[#lines + 1] = ("%-12s%s"):format("time", times_text(self.times))
  end
  return table.concat(lines, "\n") .. "\n"
end

return function()
  return setmetatable({ requests = 0, sent = 0, hits = 0, retries = 0, failed = 0, bytes = 0,
    times = {} }, Stats)
end
