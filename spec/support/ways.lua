-- The ways in which a concrete sender waits, for what must hold in each of them: a list of
-- { name, sender = its class, run = function(fn) }.
--
--   for _, way in ipairs(ways) do
--     describe("… " .. way.name, function()
--       local promise = way:promises({ timeout = 5 })
--       promise("does this", function(sender) … end)
--       promise("does that", function(sender) … end, { timeout = 1 })

local busted = require("busted")
local viesti = require("viesti")

local function call(fn)
  return fn()
end

local ways = {
  { name = "SyncSender", sender = viesti.SyncSender, run = call },
  { name = "AsyncSender", sender = viesti.AsyncSender, run = call },
  { name = "AsyncSender in a task", sender = viesti.AsyncSender, run = viesti.run },
}

local Way = {}
Way.__index = Way

-- A function that makes a test in which `check` gets a sender of that way, with options of its own
-- or else the usual ones. Either may be a function that returns them.
function Way:promises(usual)
  return function(text, check, options)
    busted.it(text, function()
      self.run(function()
        local given = options or usual
        local sender <close> = self.sender(type(given) == "function" and given() or given)
        check(sender)
      end)
    end)
  end
end

for _, way in ipairs(ways) do
  setmetatable(way, Way)
end

return ways
