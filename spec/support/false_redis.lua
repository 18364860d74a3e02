-- A Redis server that is none: it answers what it is told to.

local core = require("viesti.core")
local redis = require("viesti.redis")
local socket = require("socket")
local viesti = require("viesti")

-- answers: what is answered to each read of a connection, in turn, and `answers.forever`, a list
-- without end, to all further ones; then it is silent, or closes, if told so. options: further ones
-- of the store.
-- Returns a store on it, what ends it when it is closed, and the list of what it has heard.
return function(answers, closes, options)
  local listener = assert(socket.bind("127.0.0.1", 0))
  listener:settimeout(0)
  local _, port = listener:getsockname()
  local heard = {}

  local function answer(connection, text, seconds)
    core.wait_descriptor(connection:getfd(), "r", seconds)
    local whole, problem, part = connection:receive(100000)
    heard[#heard + 1] = whole or part
    return problem ~= "closed" and text and connection:send(text)
  end

  local task = viesti.spawn(function()
    while true do
      core.wait_descriptor(listener:getfd(), "r")
      local connection = listener:accept()
      connection:settimeout(0)
      for _, text in ipairs(answers) do
        answer(connection, text)
      end
      local list, index = answers.forever or {}, 1
      while list[index] and answer(connection, list[index]) do
        index = index % #list + 1
      end
      if closes then
        answer(connection, nil, 0.05) -- deaf to what else is said
        connection:close()
      end
    end
  end)
  local given = { url = "redis://127.0.0.1:" .. port, timeout = 0.3 }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return redis(given), setmetatable({}, { __close = function()
    task:cancel()
    listener:close()
  end }), heard
end
