--- save(response, path, told): a body into a file, which appears under its name only when it is
--- whole.
local core = require "viesti.core"

local function nobody() end

local function write_body(response, file, told)
  if not response.streamed then
    told(#response.body)
    local written, reason = file:write(response.body)
    return written and #response.body, reason
  end
  local size = 0
  for chunk in response:chunks() do
    local written, reason = file:write(chunk)
    if not written then
      return nil, reason
    end
    size = size + #chunk
    told(#chunk)
  end
  return size
end

-- Likewise, and closes the file, which may still fail; what is said of the file has its `path`.
local function write_out(response, path, output, told)
  local file <close> = output
  local done, size, reason = pcall(write_body, response, file, told)
  if not done then
    return nil, size
  elseif not size then
    return nil, ("%s: %s"):format(path, reason)
  end
  local closed, why = file:close()
  return closed and size or nil, why and ("%s: %s"):format(path, why)
end

-- However the block ends, by a cancelled task too.
local function removing(path)
  return setmetatable({}, { __close = function() os.remove(path) end })
end

-- A reason names the file that was asked for.
local function told_of(path, part, reason)
  return reason:sub(1, #part) == part and path .. reason:sub(#part + 1) or reason
end

local function replace(response, path, mode, told)
  local part = ("%s.%06x.part"):format(path, math.random(0, 0xffffff))
  local file, reason = core.create_file(part, mode)
  if not file then
    return nil, told_of(path, part, reason)
  end
  local _ <close> = removing(part)
  local size, why = write_out(response, path, file, told)
  if not size then
    return nil, why
  end
  local renamed, wrong = os.rename(part, path)
  return renamed and size, wrong and told_of(path, part, wrong)
end

--- Writes the body to the file of that name, or to the one that a link there leads to, and keeps
--- the mode of one that was there. What is no regular file is written into. `told`, if given, hears
--- of the bytes of every piece.
---@return integer? bytes, viesti.Error|string? reason
return function(response, path, told)
  told = told or nobody
  local target, what, mode = core.file_target(path)
  if not target then
    return nil, what
  elseif what ~= "other" then
    return replace(response, target, mode, told)
  end
  local file, reason = io.open(target, "wb")
  if not file then
    return nil, reason
  end
  return write_out(response, target, file, told)
end
