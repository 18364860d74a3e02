-- A chain of the installed viesti has from a real server what it caches: chain.lua TREE URL
local tree, url = arg[1], arg[2]
local viesti = require "viesti"
for name, path in pairs { viesti = package.path, ["viesti.core"] = package.cpath } do
  local file = assert(package.searchpath(name, path))
  assert(file:sub(1, #tree) == tree, name .. " was loaded from " .. file)
end

local client = viesti.chain { viesti.CachingSender {}, viesti.SyncSender { timeout = 10 } }
local first, second = assert(client:send { url = url }), assert(client:send { url = url })
print(client, first.status_code, second.cache, second.body)
assert(first.status_code == 200 and #first.body > 0 and not first.from_cache)
assert(second.from_cache and second.body == first.body)
