-- A request that succeeds at once, through a layer or none.
--
--   lua bench/layers_work.lua [--seconds S] [--count N] [--warm-up N] LAYER
--
-- LAYER: none, forwarding (a layer that does nothing), or one of the names below. Prints the bytes
-- of garbage for each request as well.

local arguments = require "bench.arguments"
local Run = require "bench.clock"
local viesti = require "viesti"

local BETWEEN_LOOKS = 1000
local COUNTED = 10000

local AtOnce = viesti.Sender:extend "AtOnce"
local response = viesti.Response { url = "http://h/" }

function AtOnce:send()
  return response
end

local Forwarding = viesti.ExtendingSender:extend "Forwarding"

function Forwarding:send(request)
  return self.sender:send(request)
end

local layers = {
  none = function(sender) return sender end,
  forwarding = Forwarding,
  retrying = function(sender) return viesti.RetryingSender { retries = 3, sender = sender } end,
  circuit_breaking = function(sender) return viesti.CircuitBreakingSender { sender = sender } end,
  rate_limiting = function(sender)
    return viesti.RateLimitingSender { rate = 1e9, burst = 1e9, sender = sender }
  end,
  concurrency_limiting = function(sender)
    return viesti.ConcurrencyLimitingSender { limit = 10, sender = sender }
  end,
  deadline = function(sender) return viesti.DeadlineSender { max_time = 10, sender = sender } end,
  defaults = function(sender)
    return viesti.DefaultsSender { base_url = "http://h/", headers = { ["X-A"] = "a" },
      sender = sender }
  end,
  authenticating = function(sender)
    return viesti.AuthenticatingSender { bearer = "token", sender = sender }
  end,
  redirecting = function(sender) return viesti.RedirectingSender { sender = sender } end,
  failover = function(sender)
    return viesti.FailoverSender { origins = { "http://h/", "http://g/" }, sender = sender }
  end,
  tracing = function(sender)
    return viesti.TracingSender { on_event = function() end, sender = sender }
  end,
}

-- Bytes that a request leaves for the collector.
local function garbage(sender, request)
  collectgarbage()
  collectgarbage "stop"
  local before = collectgarbage "count"
  for _ = 1, COUNTED do
    sender:send(request)
  end
  local bytes = (collectgarbage "count" - before) * 1024 / COUNTED
  collectgarbage "restart"
  return bytes
end

local options = arguments(arg)
local sender = layers[options[1]](AtOnce())
local request = viesti.Request { url = "http://h/" }
local run = Run.new(options, function() return sender:now() end, 1000, BETWEEN_LOOKS)
while not run.over do
  sender:send(request)
  run:add()
end
run:print()
print(("garbage=%.0f"):format(garbage(sender, request)))
