--- What a MockSender answers: a response, a table that describes one or an error, a list of these,
--- or a function that returns one.
local core = require "viesti.core"
local format = require "viesti.base.format"
local options = require "viesti.base.options"
local Response = require "viesti.message.response"
local tables = require "viesti.base.tables"
local usually_sent = require "viesti.base.usually_sent"

local declaration = {
  { name = "delay", type = "number", default = 0, min = 0, max = 1e9,
    doc = "seconds until the answer, slept on the sender's clock" },
  { name = "error", type = "string",
    doc = "the kind of the error that comes instead of a response; behind the body, where there is "
      .. "one and it is streamed" },
  { name = "message", type = "string", doc = "the error's" },
  { name = "sent", type = "string", values = { "no", "maybe" },
    doc = "whether the server may have got the request that ends in the error; if not said, what "
      .. "is usual for the kind" },
}
table.move(Response.options, 1, #Response.options, #declaration + 1, declaration)

---@class viesti.MockAnswer
local MockAnswer = {}
MockAnswer.__index = MockAnswer

-- What is wrong with the values of a declaration, nil if nothing is.
local function check(values)
  local made, response, wrong = pcall(Response.build, values)
  if not (made and response) then
    return made and wrong or response
  elseif values.error then
    return select(2, core.error(values.error, ""))
  elseif values.message or values.sent then
    return "message and sent are those of an error, and there is none"
  end
end

local function read_table(owner, given)
  local values, wrong = options.read_table(owner, declaration, given)
  if not values then
    return nil, wrong
  end
  wrong = check(values)
  if wrong then
    return nil, owner .. ": " .. wrong
  end
  return setmetatable({ values = values }, MockAnswer)
end

local function is_response(value)
  return (debug.getmetatable(value) or {}).__name == "viesti.Response"
end

local function read_one(owner, given)
  if is_response(given) then
    return setmetatable({ response = given }, MockAnswer)
  elseif type(given) == "function" then
    return setmetatable({ ask = given }, MockAnswer)
  elseif type(given) == "table" and getmetatable(given) == nil then
    return read_table(owner, given)
  end
  return nil, ("%s must be a Response, a table of its options or a function, got %s"):format(owner,
    format.given(given))
end

-- Seconds that the request leaves for its answer, and the kind of error that is due after them.
local function limit_of(request, now)
  local timeout = (request.timeout or 0) > 0 and request.timeout or math.huge
  local left = (request.deadline or math.huge) - now
  if left < timeout then
    return left, "deadline", ("not done within the %s that its deadline left"):format(
      format.seconds(left))
  end
  return timeout, "timeout", ("not done within %g s (timeout)"):format(timeout)
end

local function failure(kind, message, request, sent)
  local err = core.error(kind, message, request, sent)
  err.timeout = kind == "timeout" and "total" or nil
  return err
end

-- Sleeps for as long as the answer takes; or until the request's time is up, and returns the error
-- that it comes to.
local function wait(sender, request, delay)
  local limit, kind, message = limit_of(request, sender:now())
  if limit <= 0 then
    message = ("its deadline had passed %.3f s before it was sent"):format(math.abs(limit))
    return failure(kind, message, request, "no")
  end
  local seconds = math.min(delay, limit)
  if seconds > 0 then
    sender:sleep(seconds)
  end
  return delay > limit and failure(kind, message, request, "maybe") or nil
end

local function response_to(request, values)
  local has_body = request.method ~= "HEAD"
  return Response.build {
    url = values.url ~= "" and values.url or request.url, status_code = values.status_code,
    reason = values.reason, headers = values.headers,
    content = has_body and values.content or nil, body = has_body and values.body or nil,
  }
end

local function give(request, values)
  local err = values.error
    and failure(values.error, values.message or "told so by a MockSender", request,
      values.sent or usually_sent(values.error))
  local is_cut = err and request.stream and (values.body or values.content) ~= nil
  if err and not is_cut then
    return nil, err
  end
  local response = response_to(request, values)
  return request.stream and core.as_stream(response, err) or response
end

-- Each request gets an object of its own.
local function give_again(request, response)
  if response.streamed then
    return response
  elseif request.stream then
    return core.as_stream(response)
  end
  return response:annotated()
end

--- Answers the request, in time on the sender's clock.
---@param sender viesti.Sender
---@param request viesti.Request
---@return viesti.Response? response, viesti.Error? err
function MockAnswer:to(sender, request)
  if self.ask then
    local given, err = self.ask(request)
    if given == nil and err ~= nil then
      return nil, type(err) == "table" and err or core.error("script", tostring(err), request)
    end
    local answer, wrong = read_one("MockSender: what a function in answer returned", given)
    if not answer or answer.ask then
      error(core.place() .. (wrong or "MockSender: a function in answer returned a function"), 0)
    end
    return answer:to(sender, request)
  end
  local late = wait(sender, request, self.values and self.values.delay or 0)
  if late then
    return nil, late
  elseif self.response then
    return give_again(request, self.response)
  end
  return give(request, self.values)
end

local function read_list(owner, given)
  local answers = {}
  for index, item in ipairs(given) do
    local answer, wrong = read_one(("%s[%d]"):format(owner, index), item)
    if not answer then
      return nil, wrong
    end
    answers[index] = answer
  end
  return answers
end

--- The answers of a route, one after the other, the last one again and again: a function that
--- returns the next one. Or nil and what is wrong with them.
---@param owner string for messages
---@param given any
---@return (fun(): viesti.MockAnswer)?, string? reason
return function(owner, given)
  local answers, wrong
  if type(given) == "table" and #given > 0 and tables.is_list(given) then
    answers, wrong = read_list(owner, given)
  else
    local answer
    answer, wrong = read_one(owner, given)
    answers = answer and { answer }
  end
  if not answers then
    return nil, wrong
  end
  local used = 0
  return function()
    used = math.min(used + 1, #answers)
    return answers[used]
  end
end
