-- What became of each request of one process: every one that was begun ends once.

local Ledger = {}
Ledger.__index = Ledger

function Ledger.new()
  return setmetatable({ done = 0, cached = 0, repeated = 0, by = {}, cases = {}, wire = {},
    open = {} }, Ledger)
end

function Ledger:begin(number)
  self.open[number] = true
end

local function count(of, name)
  of[name] = (of[name] or 0) + 1
end

-- Notes the outcome of a request, which is a response or an error and not both.
function Ledger:finish(number, case, response, err)
  if not self.open[number] or (response == nil) == (err == nil) then
    self.repeated = self.repeated + 1
  end
  self.open[number] = nil
  self.done = self.done + 1
  local outcome = err and err.kind or tostring(response.status_code)
  if not err and response.from_cache then
    self.cached = self.cached + 1
  end
  count(self.by, outcome)
  self.cases[case.label] = self.cases[case.label] or {}
  count(self.cases[case.label], outcome)
end

local EVENTS = { start = "attempts", response = "answered" }

-- Hears of each attempt, as a TracingSender tells of it.
function Ledger:on_event(name, span)
  local event = EVENTS[name]
  if event then
    local case = span.request.url:match "^%a+://[^/]+/([^/]*)"
    local wire = self.wire[case] or { attempts = 0, answered = 0 }
    self.wire[case] = wire
    wire[event] = wire[event] + 1
  end
end

function Ledger:lost()
  local lost = 0
  for _ in pairs(self.open) do
    lost = lost + 1
  end
  return lost
end

return Ledger
