--- TracingSender{ on_event = fn, sender = ... }: tells of every attempt by OpenTelemetry's semantic
--- conventions for HTTP clients, without secrets. It stands inside of what sends again.
---
---   TracingSender { on_event = function(name, span) ... end }
---
--- An attempt is one span; its events are "start", "response" when the head is there, and "end", or
--- "error", which one of comes last, when the body has ended.
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local redaction = require "viesti.tracing.redaction"
local Request = require "viesti.message.request"
local spans = require "viesti.tracing.span"

---@class viesti.TracingSender: viesti.ExtendingSender
---@field on_event fun(name: "start"|"response"|"end"|"error", span: viesti.Span)
---@field request_headers string[]?
---@field response_headers string[]?
local TracingSender = ExtendingSender:extend("TracingSender", {
  { name = "on_event", type = "function", required = true,
    doc = "called with the event's name, start, response, end or error, and the attempt's span" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
  { name = "request_headers", type = "strings",
    doc = "names of header fields of requests to be attributes" },
  { name = "response_headers", type = "strings", doc = "likewise of responses" },
  { name = "secrets", type = "strings",
    doc = "names of further header fields and params whose values are not told" },
})

function TracingSender:init()
  TracingSender.super.init(self)
  -- Shared with the copies that with_sender makes. `failures`: how often a request came to nothing.
  self.state = { redaction = redaction.new(self.secrets), count = 0,
    failures = setmetatable({}, { __mode = "k" }) }
end

-- An attempt, which is over when it is closed: by itself at the latest, where it raises or its task
-- is cancelled; by the response where that is streamed. `phase`: "telling" the user's function of
-- it, "waiting" for the inner sender, "streaming", "over".
local Attempt = {}
Attempt.__index = Attempt

-- Where the user's function raises, the attempt is over, and so is its stream.
local function tell(attempt, name)
  local span = attempt.span
  attempt.phase = "telling"
  span.sender.on_event(name, span)
  attempt.phase = "waiting"
end

local function finish(attempt, err)
  local span = attempt.span
  local sender, request = span.sender, span.request
  local failures = sender.state.failures
  attempt.phase = "over"
  local name, failed = spans.finish(span, sender.tell_time(), err)
  if failed then
    failures[request] = (failures[request] or 0) + 1
  elseif failures[request] then
    failures[request] = nil
  end
  sender.on_event(name, span)
end

-- Why a send did not return.
local function error_of(attempt, raised)
  local request = attempt.span.request
  if raised ~= nil then
    return core.error("script", tostring(raised), request)
  end
  return core.error("cancelled", "the task was cancelled", request)
end

function Attempt:__close(raised)
  local phase = self.phase
  if phase == "over" or phase == "streaming" then
    return
  end
  local response = self.span.response
  self.phase = "over"
  if response then
    response:close()
  end
  if phase ~= "telling" then
    finish(self, error_of(self, raised))
  end
end

-- What a streamed response closes at its end.
local Ending = { __close = function(self, err)
  finish(self.attempt, err)
end }

-- The end is told now, or when the body has come to it.
local function await_end(attempt, response)
  local ending = response.streamed and setmetatable({ attempt = attempt }, Ending)
  if ending and core.on_end(response, ending) then
    attempt.phase = "streaming"
  else
    finish(attempt)
  end
end

function TracingSender:send(request)
  request = Request.from(request)
  local span = spans.start(self, request)
  local attempt <close> = setmetatable({ span = span, phase = "waiting" }, Attempt)
  tell(attempt, "start")
  local response, err = self:check_answer(request, self.sender:send(request))
  if not response then
    finish(attempt, err)
    return nil, err
  end
  spans.note_response(span, response)
  tell(attempt, "response")
  await_end(attempt, response)
  return response
end

return TracingSender
