--- CircuitBreakingSender{ window, ratio, ... }: an origin that fails too often is left alone for a
--- while: requests to it fail at once, then a few find out whether it has recovered.
---
--- Server errors (5xx) count as failures, and transport errors that say something about the origin.
--- What the caller, or a layer below, made of a request counts as nothing.
local CircuitBreaker = require "viesti.limits.circuit_breaker"
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local format = require "viesti.base.format"
local Request = require "viesti.message.request"
local request_key = require "viesti.limits.request_key"

local declaration = {
  { name = "breaker", type = "CircuitBreaker",
    doc = "a CircuitBreaker to share with other chains; most other options are then its own" },
  request_key.spec,
}
table.move(CircuitBreaker.options, 1, #CircuitBreaker.options, #declaration + 1, declaration)
table.insert(declaration,
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" })

---@class viesti.CircuitBreakingSender: viesti.ExtendingSender
---@field breaker viesti.CircuitBreaker
---@field key string|(fun(request: viesti.Request): string?)|nil
local CircuitBreakingSender = ExtendingSender:extend("CircuitBreakingSender", declaration)

function CircuitBreakingSender:init()
  CircuitBreakingSender.super.init(self)
  local own = {}
  for _, spec in ipairs(CircuitBreaker.options) do
    if self.breaker and self._given[spec.name] ~= nil then
      error(core.place() .. ("CircuitBreakingSender: %s is an option of the CircuitBreaker that "
        .. "was given"):format(spec.name), 0)
    end
    own[spec.name] = self._given[spec.name]
  end
  self.breaker = self.breaker or CircuitBreaker(own)
  self.key_of = request_key.of(self.name, self.key)
end

function CircuitBreakingSender:option(name)
  if name == "breaker" then
    return self._given.breaker
  end
  local value = self.breaker[name]
  return value == nil and self[name] or value
end

local FAILURES = {
  resolve = true, connect = true, tls = true, timeout = true, reset = true, empty_reply = true,
  truncated = true, protocol = true,
}

local function is_failure(err)
  return type(err) == "table" and FAILURES[err.kind] == true
end

-- A body that breaks off makes a failure of what its head let take for a success.
local BodyEnding = {}

BodyEnding.__close = function(self, err)
  if is_failure(err) then
    self.circuit:note_late_failure(self.generation, self.sender:now(), self.sender)
  end
end

-- A stream that nobody gets, since `on_change` raises, is closed.
local Unsettled = { __close = function(self)
  if self.response then
    self.response:close()
  end
end }

local function note_stream(self, circuit, generation, response, failed)
  local unsettled <close> = setmetatable({ response = response }, Unsettled)
  local counts = circuit:note(generation, failed, self.tell_time(), self)
  unsettled.response = nil
  if counts and not failed then
    core.on_end(response, setmetatable({ circuit = circuit, sender = self,
      generation = circuit.generation }, BodyEnding))
  end
end

local function send(self, circuit, request)
  local generation = circuit.generation
  local response, err = self.sender:send(request)
  local status, streams = core.outcome(response)
  if streams then
    note_stream(self, circuit, generation, response, status >= 500)
  elseif status then
    circuit:note(generation, status >= 500, self.tell_time(), self)
  elseif is_failure(err) then
    circuit:note(generation, true, self.tell_time(), self)
  end
  return response, err
end

local function refusal(circuit, request, now, retry_at)
  local sentence = "%s has failed too often, " .. (circuit.state == "open"
    and "it is asked again in %s"
    or "and others find out whether it has recovered, in %s at most")
  local err = core.error("circuit_open", sentence:format(format.value(circuit.name),
    format.seconds(retry_at - now)), request, "no")
  err.retry_at, err.retry_after = retry_at, retry_at - now
  return err
end

local function send_if_admitted(self, circuit, request)
  local now = self:now()
  local _ <close>, retry_at = circuit:admit(now)
  if retry_at then
    return nil, refusal(circuit, request, now, retry_at)
  end
  return send(self, circuit, request)
end

function CircuitBreakingSender:send(request)
  request = request or Request.from(request) -- which says what is missing
  local key, whole = self.key_of(request)
  local circuit = key and (self.breaker.circuits[key]
    or self.breaker:new_circuit(key, self:now()))
  if not circuit then
    return self.sender:send(whole)
  elseif circuit.state == "closed" then
    return send(self, circuit, whole)
  end
  return send_if_admitted(self, circuit, whole)
end

return CircuitBreakingSender
