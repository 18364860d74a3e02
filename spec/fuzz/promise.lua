-- What the targets in Lua have in common.

local promise = {}

--- Raises unless `reason` is one line of text, which may be shown to people.
function promise.sentence(reason)
  if type(reason) ~= "string" or reason == "" or reason:find "[\r\n]" then
    error("no sentence: " .. tostring(reason), 2)
  end
end

--- Raises unless both are the same, told by their bytes.
function promise.same(expected, got, what)
  if expected ~= got then
    error(("%s: %q is not %q"):format(what, tostring(got), tostring(expected)), 2)
  end
end

--- The lines of a text; the last one has all the rest behind `most - 1` others.
function promise.lines(text, most)
  local lines, position = {}, 1
  while #lines < most - 1 do
    local stop = text:find("\n", position, true)
    if not stop then
      break
    end
    lines[#lines + 1] = text:sub(position, stop - 1)
    position = stop + 1
  end
  lines[#lines + 1] = text:sub(position)
  return lines
end

--- A path that no file has.
function promise.path()
  local path = os.tmpname()
  os.remove(path)
  return path
end

--- The bytes of a file.
function promise.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

--- Makes it a file of these bytes.
function promise.write(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(bytes))
end

return promise
