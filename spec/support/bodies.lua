-- Bodies for requests to send.
local bodies = {}

-- A reader of these pieces, one after the other.
function bodies.reader_of(pieces)
  local position = 0
  return function()
    position = position + 1
    return pieces[position]
  end
end

-- An open file of that text.
function bodies.file_with(text)
  local file = assert(io.tmpfile())
  assert(file:write(text))
  assert(file:seek("set"))
  return file
end

return bodies
