-- A sender that answers by a script, on a clock of its own: { 503, 200 } are statuses, a table is
-- one with `headers`, `delay` (seconds) or `error` (a kind; `sent` is "maybe" unless said). The
-- last answer repeats.
local viesti = require("viesti")

local Scripted = viesti.ExtendingSender:extend("Scripted", {
  { name = "script", type = "table", required = true },
  { name = "clock", type = "clock" },
})

function Scripted:init()
  self.clock = self.clock or viesti.testing.clock()
  Scripted.super.init(self)
  self.calls = {}
end

local function answer(request, step)
  if step.error then
    return nil, viesti.Error({ kind = step.error, message = "by the script", request = request,
      sent = step.sent or "maybe" })
  end
  return viesti.Response({ url = request.url, status_code = step[1] or 200,
    headers = step.headers, body = step.body })
end

function Scripted:send(request)
  request = viesti.Request.from(request)
  self.calls[#self.calls + 1] = { request = request, moment = self:now() }
  local step = self.script[math.min(#self.calls, #self.script)]
  step = type(step) == "table" and step or { step }
  self:sleep(step.delay or 0)
  return answer(request, step)
end

return Scripted
