--- What is to be sent, and where what comes back is to go: the options of the command as requests.
local bodies = require "viesti.command.bodies"
local exit_codes = require "viesti.command.exit_codes"
local failure = require "viesti.command.failure"
local redaction = require "viesti.tracing.redaction"
local Request = require "viesti.message.request"

local requests = {}

local function usage(message)
  failure.raise(exit_codes.USAGE, message)
end

local function read_headers(lines)
  local headers = {}
  for _, line in ipairs(lines) do
    local name, value = line:match "^([^:%s]+):%s*(.-)%s*$"
    if not name then
      usage(("-H wants 'Name: value', got '%s'"):format(line))
    end
    headers[#headers + 1] = { name, value ~= "" and value or false }
  end
  return headers
end

-- Those whose values -v does not show: what is hidden here is no other host's to see.
local function secrets_among(headers)
  local rules, secrets = redaction.new(), {}
  for _, field in ipairs(headers) do
    secrets[#secrets + 1] = rules:is_secret(field[1]) and field[1] or nil
  end
  return secrets
end

-- What all requests have in common.
local function template_of(values)
  local template = { headers = read_headers(values.header or {}) }
  template.secret_headers = secrets_among(template.headers)
  local has_body = bodies.add(template, values)
  template.method = values.request or has_body and "POST" or "GET"
  return template
end

-- Raises what is wrong with the call. What is wrong with one URL of many is returned, as what that
-- one has come to; which it is is said by its place, since it may have a secret in it.
local function refuse(sentence, index, count)
  sentence = sentence:gsub("^Request: ", "")
  local about_url = sentence:find("the URL", 1, true)
  if about_url and count > 1 then
    return { code = exit_codes.URL, reason = ("URL %d of %d: %s"):format(index, count, sentence) }
  end
  local about_file = sentence:find("^multipart: part")
  failure.raise(about_url and exit_codes.URL or about_file and exit_codes.READ or exit_codes.USAGE,
    sentence)
end

-- Or nil and the refusal of that URL.
local function request_of(template, urls, index)
  local options = { url = urls[index] }
  for name, value in pairs(template) do
    options[name] = value
  end
  local made, request = pcall(Request, options)
  if not made then
    return nil, refuse(failure.sentence(request), index, #urls)
  end
  return request
end

-- The last part of a URL's path, as a file in this folder.
local function remote_name(request)
  local name = request.url:gsub("[?#].*$", ""):match "^%a+://[^/]*/?.-([^/]*)$"
  if name == "" or name == "." or name == ".." then
    usage(("-O: %s has no name for a file at its end"):format(request.url))
  end
  return name
end

local function path_of(values, request, index)
  if values.remote_name then
    return remote_name(request)
  end
  local path = (values.output or {})[index]
  if path == "" then
    usage "-o wants the name of a file, or -"
  end
  return path ~= "-" and path or nil
end

local function check_outputs(values, count)
  local outputs = values.output and #values.output or 0
  if outputs > 0 and values.remote_name then
    usage "-o and -O are both given"
  elseif outputs > 0 and outputs ~= count then
    usage(("-o is given %d %s for %d %s: once for each, or take -O"):format(outputs,
      outputs == 1 and "time" or "times", count, count == 1 and "URL" or "URLs"))
  elseif values.continue and outputs == 0 and not values.remote_name then
    usage "-C needs a file to go on with: -o or -O"
  end
end

---@class viesti.command.Item
---@field request viesti.Request? nil: the URL is wrong
---@field refusal viesti.command.Outcome? what it has come to then
---@field path string? nil: standard output

--- One for each URL. Raises failures.
---@param values table
---@param urls string[]
---@return viesti.command.Item[]
function requests.items(values, urls)
  check_outputs(values, #urls)
  local template, items, taken = template_of(values), {}, {}
  if values.continue and (template.method ~= "GET" or template.content or template.multipart) then
    usage "-C goes on with what a GET brought"
  end
  for index = 1, #urls do
    local request, refusal = request_of(template, urls, index)
    local path = request and path_of(values, request, index)
    if path and values.remote_name and taken[path] then
      usage(("-O: two URLs are to be written to %s"):format(path))
    end
    taken[path or false] = true
    items[index] = { request = request, path = path, refusal = refusal }
  end
  return items
end

-- Lines, without the blanks around them; empty ones are none.
local function read_lines(file, list)
  for line in file:lines() do
    local url = line:match "^%s*(.-)%s*$"
    list[#list + 1] = url ~= "" and url or nil
  end
end

-- Standard input holds the one or the other.
local function read_input(values, urls)
  if values.user == "@-" or bodies.read_input(values) then
    usage "standard input cannot be both the URLs and what is sent"
  end
  read_lines(io.stdin, urls)
end

--- The URLs of the arguments, and those on standard input where it is asked for or all there is.
---@param operands string[]
---@param values table
---@param is_terminal boolean whether standard input is one
---@return string[]
function requests.urls(operands, values, is_terminal)
  local urls = {}
  if #operands == 0 and not is_terminal then
    read_input(values, urls)
  end
  for _, operand in ipairs(operands) do
    if operand == "-" then
      read_input(values, urls)
    else
      urls[#urls + 1] = operand
    end
  end
  if #urls == 0 then
    usage "there is no URL (viesti help says what else there may be)"
  end
  return urls
end

return requests
