-- Tasks over AsyncSender, several at once: tasks.lua URL
local viesti = require "viesti"
local client = viesti.chain { viesti.CachingSender {}, viesti.AsyncSender { timeout = 10 } }
local urls = {}
for number = 1, 20 do
  urls[number] = arg[1] .. "?" .. number
end
local responses, errors = viesti.map(urls, function(url)
  return client:send { url = url }
end, { concurrency = 5 })
assert(not next(errors), select(2, next(errors)))

local bodies = {}
for number = 1, 20 do
  local body = responses[number].body
  assert(#body > 0 and not bodies[body], "an answer came twice")
  bodies[body] = true
end
