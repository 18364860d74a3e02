-- Reading streamed responses to their ends, by pieces of at most `most` bytes if that is given; and
-- what to stream.

local assert = require("luassert")

local streams = {}

-- By response:chunks(): the bytes. Raises what that raises.
function streams.rest_of(response, most)
  local pieces = {}
  for chunk in response:chunks(most) do
    assert.is_true(#chunk > 0 and #chunk <= (most or #chunk))
    pieces[#pieces + 1] = chunk
  end
  return table.concat(pieces)
end

-- By response:read(): the bytes that came, and the error behind them if there is one.
function streams.read_all(response, most)
  local pieces = {}
  local piece, err = response:read(most)
  while piece do
    assert.is_true(#piece > 0 and #piece <= (most or #piece))
    pieces[#pieces + 1] = piece
    piece, err = response:read(most)
  end
  return table.concat(pieces), err
end

-- So many bytes whose order shows.
function streams.numbered(size)
  local lines = {}
  for number = 1, size // 8 + 1 do
    lines[number] = ("%07d\n"):format(number)
  end
  return table.concat(lines):sub(1, size)
end

return streams
