-- Which answer a request gets: a script set for its path, or one of the built-in routes.

local cjson = require("cjson")
local header_list = require("spec.support.header_list")

local origin_routes = {}

local Routes = {}
Routes.__index = Routes

local sample = '{"name":"viesti","count":3,"ratio":0.5,"big":9007199254740993,"nothing":null,'
  .. '"list":[1,2,3],"nested":{"ok":true}}'

function origin_routes.new()
  return setmetatable({ scripts = {} }, Routes)
end

-- The target without scheme, authority and query.
function origin_routes.path_of(target)
  local path = target:gsub("^%a[%w+.-]*://[^/?#]*", ""):gsub("%?.*$", "")
  return path == "" and "/" or path
end

function Routes:set(path, answers)
  self.scripts[path] = { answers = answers, used = 0 }
end

function Routes:clear()
  self.scripts = {}
end

local function json_answer(text)
  return { status = 200, headers = { { "Content-Type", "application/json" } }, body = text }
end

local function echo(request)
  return json_answer(cjson.encode({
    method = request.method,
    target = request.target,
    version = request.version,
    headers = header_list.grouped(request.headers),
    body = request.body,
  }))
end

local function built_in(path, request)
  local status = path:match("^/status/([1-9]%d%d)$")
  if path == "/echo" then
    return echo(request)
  elseif path == "/json" then
    return json_answer(sample)
  elseif status then
    return { status = tonumber(status), body = status .. "\n" }
  end
  return { status = 404, body = "no route\n" }
end

local function find_script(self, request)
  -- A script set for the whole target comes before one set for its path.
  return self.scripts[request.target] or self.scripts[origin_routes.path_of(request.target)]
end

-- The scripted answer that is next for this request, or nil.
function Routes:peek(request)
  local script = find_script(self, request)
  return script and script.answers[math.min(script.used + 1, #script.answers)]
end

-- The answer for this request; a scripted one is used up, save the last.
function Routes:take(request)
  local script = find_script(self, request)
  if not script then
    return built_in(origin_routes.path_of(request.target), request)
  end
  script.used = math.min(script.used + 1, #script.answers)
  return script.answers[script.used]
end

return origin_routes
