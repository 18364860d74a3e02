-- Many requests at once to a server in trouble, and what came of them.
--
--   local outcome = storm.run(sender, function(number) return request end, 300, 30)
--
-- outcome: { by = { [200] = 290, circuit_open = 10 }, seconds, sent }: how many ended with which
-- status or kind of error, how long it took in all, and how many attempts their callers know of.

local viesti = require("viesti")

local storm = {}

function storm.run(sender, request_of, count, tasks)
  local numbers = {}
  for number = 1, count do
    numbers[number] = number
  end
  local outcome = { by = {}, sent = 0 }
  local start = sender:now()
  viesti.map(numbers, function(number)
    local response, err = sender:send(request_of(number))
    local name = response and response.status_code or err.kind
    outcome.by[name] = (outcome.by[name] or 0) + 1
    outcome.sent = outcome.sent + #((response or err).attempts or {})
    return true
  end, { concurrency = tasks })
  outcome.seconds = sender:now() - start
  return outcome
end

-- What an nginx has to hold for storm.LIMITED: ten requests at once, thirty a second.
storm.http = "limit_req_zone $binary_remote_addr zone=storm:1m rate=30r/s;"
storm.locations = [[
location = /storm {
  limit_req zone=storm burst=10 nodelay;
  limit_req_status 429;
  add_header Retry-After 1 always;
  default_type text/plain;
  alias fixed/ok;
}
]]

return storm
