--- MockSender{ routes = { { method, url, answer }, ... } }: a concrete sender for tests, which
--- sends nothing: it answers what it was told to, and remembers what it was asked.
---
---   local mock = viesti.MockSender { routes = {
---     { url = "https://api.example.org/me", answer = { content = { name = "Ada" } } },
---     { method = "POST", pattern = "/orders$", answer = { { status_code = 503 }, {} } },
---   } }
local body = require "viesti.message.body"
local core = require "viesti.core"
local format = require "viesti.base.format"
local mock_answer = require "viesti.testing.mock_answer"
local options = require "viesti.base.options"
local Request = require "viesti.message.request"
local Sender = require "viesti.senders.sender"
local tables = require "viesti.base.tables"

local MOST_TOLD = 5 -- routes in an error

local route_declaration = {
  { name = "method", type = "string", doc = "any if not given" },
  { name = "url", type = "string", doc = "the whole URL, with its query" },
  { name = "pattern", type = "string", doc = "a Lua pattern that is found in the URL: "
    .. "in one, `%-`, `%.` and `%?` stand for these signs" },
  { name = "matches", type = "function",
    doc = "called with the request; returns whether it is meant" },
  { name = "answer", type = "any",
    doc = "a Response; a table of its options and `delay`, `error`, `message`, `sent`; a function "
      .. "that gets the request and returns one; or a list of these, the last of which repeats" },
}

---@class viesti.MockRoute
---@field method string? any if not given
---@field url string? the whole URL, with its query
---@field pattern string? a Lua pattern that is found in the URL: `%-`, `%.`, `%?` are these signs
---@field matches? fun(request: viesti.Request): boolean?
---@field answer any as the option `routes` says

---@class viesti.MockSender: viesti.Sender
---@field routes viesti.MockRoute[]? as they were given
local MockSender = Sender:extend("MockSender", {
  { name = "routes", type = "table",
    doc = "list of { method, url or pattern or matches, answer }; the first that fits answers" },
  { name = "asynchronous", type = "boolean", default = false,
    doc = "whether it suspends tasks for a `delay` and starts tasks beside them, as an AsyncSender "
      .. "does, instead of blocking" },
  { name = "clock", type = "clock",
    doc = "what it and the layers around it tell the time by, and sleep on" },
  { name = "keep", type = "integer", default = 1000, min = 0,
    doc = "how many requests it remembers, the last ones" },
})

-- The route of checked options; or nil and what is wrong with them.
local function read_route(owner, given)
  if type(given) ~= "table" or getmetatable(given) then
    return nil, ("%s must be a table such as { url = ..., answer = ... }, got %s"):format(owner,
      format.given(given))
  end
  local route, wrong = options.read_table(owner, route_declaration, given)
  if not route then
    return nil, wrong
  elseif route.pattern and not pcall(string.find, "", route.pattern) then
    return nil, ("%s: %s is no Lua pattern"):format(owner, format.value(route.pattern))
  elseif route.url then
    local request, reason = core.request("GET", route.url)
    if not request then
      return nil, ("%s: %s"):format(owner, reason)
    end
    route.url = request.url -- in normal form
  end
  route.next_answer, wrong = mock_answer(owner .. ".answer", route.answer)
  route.method = route.method and route.method:upper()
  return route.next_answer and route, wrong
end

function MockSender:init()
  self.is_async = self.asynchronous
  self.known, self.seen = {}, {}
  if self.routes and not tables.is_list(self.routes) then
    error(core.place()
      .. "MockSender: routes must be a list of tables such as { url = ..., answer = ... }", 0)
  end
  for index, given in ipairs(self.routes or {}) do
    local route, wrong = read_route(("MockSender.routes[%d]"):format(index), given)
    self.known[index] = route or error(core.place() .. wrong, 0)
  end
end

--- Adds a route behind those that there are. Returns the sender.
---@param given viesti.MockRoute
---@return viesti.MockSender
function MockSender:route(given)
  local route, wrong = read_route("MockSender:route", given)
  self.known[#self.known + 1] = route or error(core.place() .. wrong, 0)
  return self
end

--- The requests that it was sent, the last one last.
---@return viesti.Request[]
function MockSender:requests()
  return table.move(self.seen, 1, #self.seen, 1, {})
end

--- Forgets the requests.
function MockSender:clear()
  for index = #self.seen, 1, -1 do
    self.seen[index] = nil
  end
end

--- The same in blocking or in suspending: with the same routes, and one memory of requests. Client
--- asks for it where its chain is to be of the other kind.
---@param asynchronous boolean
---@return viesti.MockSender
function MockSender:of_kind(asynchronous)
  local copy = {}
  for name, value in pairs(self) do
    copy[name] = value
  end
  copy.asynchronous, copy.is_async = asynchronous, asynchronous
  return setmetatable(copy, getmetatable(self))
end

function MockSender:now()
  return (self.clock or Sender).now(self)
end

function MockSender:wall()
  return (self.clock or Sender).wall(self)
end

function MockSender:random()
  return (self.clock or Sender).random(self)
end

function MockSender:sleep(seconds)
  if self.clock then
    return self.clock.sleep(seconds)
  end
  return Sender.sleep(self, seconds)
end

local function read_to_end(reader)
  local pieces = {}
  while true do
    local called, piece, reason = pcall(reader)
    if not called or (piece == nil and reason ~= nil) then
      return nil, called and reason or piece
    elseif piece == nil then
      return table.concat(pieces)
    elseif type(piece) ~= "string" then
      return nil, "the body's reader must return strings, then nil"
    end
    pieces[#pieces + 1] = piece
  end
end

-- A body that a function or a file supplies is read here, as it is when it is sent: the request
-- with its bytes; or nil and an error.
local function with_body(request)
  local _, source = core.request_given(request)
  if not source then
    return request
  end
  local reader, reason = body.open(source)
  if not reader then
    return nil, core.error("refused", reason, request)
  end
  local bytes, cause = read_to_end(reader)
  if not bytes then
    local err = core.error("script", tostring(cause), request, "maybe")
    err.cause = cause
    return nil, err
  end
  return request:with { content = bytes }
end

local function fits(route, request)
  return (not route.method or route.method == request.method)
    and (not route.url or route.url == request.url)
    and (not route.pattern or request.url:find(route.pattern) ~= nil)
    and (not route.matches or route.matches(request))
end

local function find(self, request)
  for _, route in ipairs(self.known) do
    if fits(route, request) then
      return route
    end
  end
end

local function note(self, request)
  self.seen[#self.seen + 1] = request
  if #self.seen > self.keep then
    table.remove(self.seen, 1)
  end
end

-- "POST https://example.org/orders", as an error may show it.
local function in_words(route)
  local words = { route.method or "any" }
  words[#words + 1] = route.url and core.public_url(route.url)
  words[#words + 1] = route.pattern and "pattern " .. format.value(route.pattern)
  words[#words + 1] = route.matches and "matches"
  return table.concat(words, " ")
end

-- Where a pattern was taken for plain text, which is in the URL.
local function pattern_hint(self, request)
  for _, route in ipairs(self.known) do
    if route.pattern and request.url:find(route.pattern, 1, true)
      and not request.url:find(route.pattern) then
      return (" (%s is a Lua pattern, in which %%- stands for -)"):format(
        format.value(route.pattern))
    end
  end
  return ""
end

local function unmatched(self, request)
  local routes = {}
  for index = 1, math.min(#self.known, MOST_TOLD) do
    routes[index] = in_words(self.known[index])
  end
  routes[#routes + 1] = #self.known > MOST_TOLD and "..." or nil
  return core.error("refused", ("the MockSender has no route for it%s, it has %d%s"):format(
    pattern_hint(self, request), #self.known,
    #routes > 0 and ": " .. table.concat(routes, ", ") or ""), request)
end

--- Answers the request as the first route that fits it says.
---@param request viesti.Request|viesti.Request.Options
---@return viesti.Response? response, viesti.Error? err
function MockSender:send(request)
  request = Request.from(request)
  local read, err = with_body(request)
  if not read then
    return nil, err
  end
  note(self, read)
  local route = find(self, read)
  if not route then
    return nil, unmatched(self, request)
  end
  return route.next_answer():to(self, read)
end

return MockSender
