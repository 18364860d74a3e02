--- What -v tells of each attempt: what is sent and what comes, without secrets.
local redaction = require "viesti.tracing.redaction"
local units = require "viesti.command.units"

local heads = {}

-- Nothing a server says gets at the terminal.
local function plain(text)
  return (tostring(text):gsub("%c", "?"))
end

local function lines_of(sign, first, fields)
  local lines = { sign .. plain(first) }
  for _, field in ipairs(fields) do
    lines[#lines + 1] = ("%s%s: %s"):format(sign, plain(field[1]), plain(field[2]))
  end
  lines[#lines + 1] = sign
  return lines
end

local tell = {}

function tell.start(span)
  local request = span.request
  return lines_of("> ", request.method .. " " .. span.redaction:url(request.url),
    span:headers "request")
end

function tell.response(span)
  local response = span.response
  local version = response.http_version and "HTTP/" .. response.http_version .. " " or ""
  return lines_of("< ", ("%s%d %s"):format(version, response.status_code, response.reason),
    span:headers "response")
end

function tell.error(span)
  return { ("* %s: %s"):format(span.error.kind, plain(span.error.message)) }
end

--- For a TracingSender. `numbered`: each line begins with the number of its attempt.
---@param file file*
---@param numbered boolean
---@return fun(name: string, span: viesti.Span)
function heads.teller(file, numbered)
  return function(name, span)
    local lines = tell[name] and tell[name](span) or {}
    local before = numbered and ("[%d] "):format(span.id) or ""
    for index, line in ipairs(lines) do
      lines[index] = before .. line:gsub("%s+$", "") .. "\n"
    end
    file:write(table.concat(lines))
  end
end

--- For a RetryingSender's `on_retry`. `numbered`: there are several requests, and it says of which.
---@param file file*
---@param numbered boolean
---@return fun(context: viesti.RetryContext)
function heads.teller_of_waits(file, numbered)
  local rules = redaction.new()
  return function(context)
    local request = context.request
    local which = numbered and ("%s %s "):format(request.method, rules:url(request.url)) or ""
    file:write(("* %sagain in %s\n"):format(plain(which), units.seconds(context.wait)))
  end
end

return heads
