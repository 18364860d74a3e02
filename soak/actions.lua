-- What is done with a request: each function sends it and returns the response, or nil and the
-- error, as the end of its body says where it streams.

local viesti = require "viesti"

local actions = {}

function actions.send(client, request)
  return client:send(request)
end

local function open(client, request)
  request.stream = true
  return client:send(request)
end

function actions.stream(client, request)
  local response, err = open(client, request)
  local piece
  while response do
    piece, err = response:read()
    if not piece then
      break
    end
  end
  return not err and response or nil, err
end

local function read_one_piece(client, request)
  local response, err = open(client, request)
  local piece
  if response then
    piece, err = response:read(1000)
  end
  return (piece or not err) and response or nil, err
end

-- For the collector to end.
actions.drop = read_one_piece

function actions.close(client, request)
  local response, err = read_one_piece(client, request)
  if response then
    response:close()
  end
  return response, err
end

-- In a task alone.
function actions.cancel(client, request)
  local task = viesti.spawn(client.send, client, request)
  viesti.sleep(math.random(0, 3) / 1000)
  task:cancel()
  return task:join()
end

return actions
