-- The ways in which a concrete sender waits, for what must hold in each of them: a list of
-- { name, sender = its class, run = function(fn) }.

local viesti = require("viesti")

local function call(fn)
  return fn()
end

return {
  { name = "SyncSender", sender = viesti.SyncSender, run = call },
  { name = "AsyncSender", sender = viesti.AsyncSender, run = call },
  { name = "AsyncSender in a task", sender = viesti.AsyncSender, run = viesti.run },
}
