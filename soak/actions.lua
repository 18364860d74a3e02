-- What is done with a request: each function sends it and returns the response, or nil and the
-- error, as the end of its body says where it streams.

local viesti = require "viesti"

local actions = {}

function actions.send(client, request)
  return client:send(request)
end

function actions.stream(client, request)
  request.stream = true
  local response, err = client:send(request)
  if not response then
    return nil, err
  end
  local piece
  repeat
    piece, err = response:read()
  until not piece
  if err then
    return nil, err
  end
  return response
end

local function read_one_piece(client, request)
  request.stream = true
  local response, err = client:send(request)
  if not response then
    return nil, err
  end
  local piece
  piece, err = response:read(1000)
  if not piece and err then
    return nil, err
  end
  return response
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
