--- viesti: HTTP requests through a chain of senders.
---
---   local viesti = require "viesti"
---   local client = viesti.chain {
---     viesti.Client {},
---     viesti.CachingSender { max_size = 1000 },
---     viesti.RetryingSender { retries = 3 },
---     viesti.SyncSender { timeout = 10 },
---   }
---   local response, err = client:send { url = "https://example.org/data.json" }
local core = require "viesti.core"
core.set_home(debug.getinfo(1, "S").source)
local missing_name = require "viesti.base.missing_name"

local viesti = {
  load = require "viesti.chains.load",
  check = require "viesti.chains.check",
  download = require("viesti.downloads.download").download,
  loop = core.loop,
}

-- All else is for chain files, too.
for name, value in pairs(require "viesti.chains.words") do
  viesti[name] = value
end

return setmetatable(viesti, { __index = missing_name })
