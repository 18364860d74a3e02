--- lines(next_piece, most): the lines of a text that comes in pieces, without their ends, "\n" or
--- "\r\n". One of more than `most` bytes is raised, lest a text without any fill the memory.
local core = require "viesti.core"

local function too_long(most)
  local err = core.error("too_large", ("a line of the body has more than %d bytes"):format(most))
  err.sent = "maybe"
  return err
end

---@param next_piece fun(): string? nil at the end
---@param most integer
---@return fun(): string?
return function(next_piece, most)
  local piece, position = "", 1
  local parts, length = {}, 0 -- of the line whose end has not come yet

  local function check(size)
    if size > most then
      error(too_long(most))
    end
  end

  local function keep(part)
    length = length + #part
    check(length - 1) -- the last byte may be of its end
    parts[#parts + 1] = part
  end

  local function take(pattern)
    local line = table.concat(parts):gsub(pattern, "")
    parts, length = {}, 0
    check(#line)
    return line
  end

  return function()
    while piece do
      local stop = piece:find("\n", position, true)
      keep(piece:sub(position, stop and stop - 1))
      if stop then
        position = stop + 1
        return take "\r$"
      end
      piece, position = next_piece(), 1
    end
    return length > 0 and take "" or nil
  end
end
