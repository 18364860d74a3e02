--- Where the body of a response goes: to standard output, or to a file, where it appears when it is
--- whole.
local download = require "viesti.downloads.download"
local exit_codes = require "viesti.command.exit_codes"
local ranges = require "viesti.downloads.ranges"
local save = require "viesti.message.save"

local receive = {}

-- Of what went wrong, an error object or a sentence: the code, and itself.
local function failed(reason)
  local is_error = type(reason) == "table" and reason.kind ~= nil
  return nil, is_error and exit_codes.of(reason) or exit_codes.WRITE, reason
end

local function write(text)
  local written, reason = io.stdout:write(text)
  return written, reason and "standard output: " .. reason
end

--- Into a file. `told(bytes, total)` hears of every piece. Returns how many bytes; or nil, an exit
--- code and the reason, an error object or a sentence.
function receive.to_file(response, path, told)
  local total = ranges.length(response)
  local size, reason = save(response, path, function(bytes)
    told(bytes, total)
  end)
  if not size then
    return failed(reason)
  end
  return size
end

--- To standard output, piece by piece as it comes, or all at once; likewise.
function receive.to_output(response, told)
  local size, total = 0, ranges.length(response)
  while true do
    local piece, err = response:read()
    if err then
      return failed(err)
    elseif not piece then
      return size
    end
    local written, reason = write(piece)
    if not written then
      return failed(reason)
    end
    size = size + #piece
    told(#piece, total)
  end
end

--- Into a file that an earlier one may have begun; likewise, and the response where its status is
--- the reason.
function receive.continued(sender, request, path, told)
  local before
  local size, reason, response = download.download { sender = sender, request = request,
    path = path, on_progress = function(bytes, total)
      told(bytes - (before or bytes), total)
      before = bytes
    end }
  if response then
    return nil, exit_codes.STATUS, reason, response
  elseif not size then
    return failed(reason)
  end
  return size
end

return receive
