-- Under any loop: a task fails after a request, nobody joins it, and it is collected while the loop
-- runs. `run` runs the loop until `finish` was called in it.

local assert = require("luassert")
local viesti = require("viesti")

return function(sender, url, run, finish)
  local warned = {}
  local before = viesti.TaskWarning:set(function(message) warned[#warned + 1] = message end)
  viesti.spawn(function()
    error("lost after " .. assert(sender:send({ url = url })).status_code, 0)
  end)
  viesti.spawn(function()
    viesti.sleep(0.1)
    collectgarbage()
    collectgarbage()
    finish()
  end)
  run()
  viesti.TaskWarning:set(before)
  assert.equal(1, #warned)
  assert.equal("a task failed and nobody joined it: lost after 200", warned[1]:match "^[^\n]*")
end
