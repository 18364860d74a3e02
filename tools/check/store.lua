-- Prints a body, by a store that outlives this process: store.lua MODULE PLACE URL fresh|cached
local module, place, url, expected = table.unpack(arg)
local viesti = require "viesti"
viesti.StoreWarning:set "error"
local store = require(module)(place)
local client = viesti.chain { viesti.CachingSender { store = store }, viesti.SyncSender {} }
local response = assert(client:send { url = url })
assert(response.from_cache == (expected == "cached"), "it was not " .. expected)
print(response.body)
