--- Orders of layers that defeat themselves, and why: what `sender:check()` tells.

-- Which layer belongs outside which, and what comes of the other way round.
local RULES = {
  { "DefaultsSender", "RedirectingSender",
    "what it adds is added again, to whatever place a redirect leads to" },
  { "DefaultsSender", "CachingSender",
    "the cache does not see the URL and the fields that are sent" },
  { "RedirectingSender", "CachingSender",
    "the cache keeps under one URL what another one answered" },
  { "RedirectingSender", "AuthenticatingSender",
    "a request that was redirected goes on with what was meant for the place before" },
  { "AuthenticatingSender", "CachingSender",
    "the cache does not see the Authorization by which it would keep users apart" },
  { "CachingSender", "RetryingSender",
    "the cache answers an error with what is stale before it is tried again" },
  { "CachingSender", "CircuitBreakingSender",
    "an open circuit refuses what the cache could answer" },
  { "CachingSender", "RateLimitingSender", "answers out of the cache use up the limit" },
  { "CachingSender", "ConcurrencyLimitingSender", "answers out of the cache wait for a slot" },
  { "CachingSender", "HedgingSender", "both requests are one to the cache inside" },
  { "DeadlineSender", "RetryingSender", "each attempt has a deadline of its own" },
  { "DeadlineSender", "RateLimitingSender", "the wait for the limit is not counted" },
  { "DeadlineSender", "ConcurrencyLimitingSender", "the wait for a slot is not counted" },
  { "RetryingSender", "CircuitBreakingSender",
    "the breaker does not see the failures that are retried" },
  { "RetryingSender", "RateLimitingSender", "retries pass the limit by" },
  { "RetryingSender", "ConcurrencyLimitingSender",
    "a slot is held while nothing is on the wire but the wait for a retry" },
  { "RetryingSender", "TracingSender", "all attempts are one in the trace" },
  { "RetryingSender", "HedgingSender",
    "each of the requests side by side is retried by itself" },
  { "RedirectingSender", "RateLimitingSender", "what a redirect leads to passes the limit by" },
  { "HedgingSender", "RateLimitingSender", "the second request passes the limit by" },
  { "HedgingSender", "ConcurrencyLimitingSender", "the second request has no slot of its own" },
}

-- Those that make a Request of what they are sent, which a relative URL is not enough for.
for _, name in ipairs { "AuthenticatingSender", "CircuitBreakingSender",
  "ConcurrencyLimitingSender", "DeadlineSender", "FailoverSender", "HedgingSender",
  "RateLimitingSender", "RetryingSender", "TracingSender" } do
  RULES[#RULES + 1] = { "DefaultsSender with a base_url", name, "it takes no relative URL" }
end

-- Layers of which a second one does harm.
local ONCE = {
  RetryingSender = "the retries of one are multiplied by those of the other",
  CachingSender = "the outer one keeps what the inner one has answered with an Age",
  RedirectingSender = "the outer one finds nothing to follow",
}

-- The names of the class of a sender and of those it extends.
local function names_of(sender)
  local names, Class = {}, getmetatable(sender)
  while Class and Class.name do
    names[Class.name] = true
    Class = Class.super
  end
  names["DefaultsSender with a base_url"] = names.DefaultsSender and sender.base_url ~= nil
  return names
end

-- Where a layer of that name stands, counted from outside; nil: nowhere.
local function positions_of(layers, name)
  local first, second
  for position, names in ipairs(layers) do
    if names[name] then
      second = first and (second or position)
      first = first or position
    end
  end
  return first, second
end

--- What is wrong with the order of a chain: a list of sentences, empty if nothing is.
---@param sender viesti.Sender
---@return string[]
return function(sender)
  local layers, found = {}, {}
  while sender do
    layers[#layers + 1] = names_of(sender)
    sender = sender.sender
  end
  for _, rule in ipairs(RULES) do
    local outer, inner = positions_of(layers, rule[1]), positions_of(layers, rule[2])
    if outer and inner and outer > inner then
      found[#found + 1] = ("%s stands outside %s, and belongs inside it: %s"):format(
        rule[2], rule[1], rule[3])
    end
  end
  for name, why in pairs(ONCE) do
    if select(2, positions_of(layers, name)) then
      found[#found + 1] = ("there are two of %s: %s"):format(name, why)
    end
  end
  table.sort(found)
  return found
end
