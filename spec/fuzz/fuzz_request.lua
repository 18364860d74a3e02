-- A request from the options that a caller gives: nothing gets into its method, URL or fields that
-- would end a line, a copy is the same, what the core reads by itself is what request.lua makes of
-- it, and what is refused is refused in a sentence.
--
-- The input: the options, as JSON.

local Request = require "viesti.message.request"
local core = require "viesti.core"
local json = require "viesti.message.json"
local promise = require "spec.fuzz.promise"

local function told(request)
  local lines = { request.method, request.url, request.body or "" }
  for name, value in pairs(request.headers) do
    lines[#lines + 1] = name .. ": " .. value
  end
  return table.concat(lines, "\n")
end

local function check(request)
  assert(core.is_token(request.method), "no method")
  assert(request.url:find "^https?://" and not request.url:find "[%z\1-\32\127]", "no URL")
  for name, value in pairs(request.headers) do
    assert(core.is_token(name) and not value:find "[\r\n%z]", "no header field")
  end
  promise.same(told(request), told(request:with {}), "a copy")
  assert(type(tostring(request)) == "string")
end

-- The same options, beside one that the core leaves to request.lua.
local function in_lua(options)
  options.secret_headers = options.secret_headers or {}
  return pcall(Request, options)
end

return function(text)
  local options = json.decode(text, true)
  if type(options) ~= "table" or text:find "path" then -- which names a file
    return
  end
  local made, request = pcall(Request, options)
  if made then
    check(request)
  else
    promise.sentence(request)
  end
  local also_made, other = in_lua(options)
  assert(made == also_made, "read in another way it is none, or one")
  if made then
    promise.same(told(request), told(other), "read in another way")
  end
end
