--- CachingSender(max_size, sender): keeps responses and serves them again, by the rules of HTTP
--- caching (RFC 9111). The store and the rules are the core's.
local AuthenticatingSender = require "viesti.layers.authenticating"
local background = require "viesti.cache.background"
local bodies = require "viesti.cache.bodies"
local CacheKey = require "viesti.cache.key"
local choices = require "viesti.cache.choices"
local class = require "viesti.base.class"
local collapsing = require "viesti.cache.collapsing"
local core = require "viesti.core"
local elsewhere = require "viesti.cache.elsewhere"
local ExtendingSender = require "viesti.senders.extending"
local format = require "viesti.base.format"
local guarded_store = require "viesti.cache.guarded_store"
local lease = require "viesti.cache.lease"
local option_types = require "viesti.base.option_types"
local origin_of = require "viesti.message.origin"
local purging = require "viesti.cache.purging"
local Request = require "viesti.message.request"
local setup = require "viesti.cache.setup"

---@class viesti.Inspection
---@field action "hit"|"refresh"|"validate"|"fetch"|"complete"|"bypass"|"timeout"
---@field forwarded string? why it would be sent on
---@field key string
---@field variants integer how many responses are kept under it
---@field age number? seconds, of the one that fits, as are those below
---@field ttl number? seconds of freshness left
---@field status_code integer?

---@class viesti.CachingSender: viesti.ExtendingSender
---@field max_size integer? most responses kept; nil for no bound
---@field max_bytes integer? most bytes that they hold
---@field store viesti.AnyStore where they are kept
---@field key? fun(request: viesti.Request): string?
---@field partition string|(fun(request: viesti.Request): string?)|nil
---@field ttl number|(fun(request: viesti.Request, response: viesti.Response): number?)|nil
---@field store_if? fun(request: viesti.Request, response: viesti.Response): boolean?
---@field tags string[]|(fun(request: viesti.Request, response: viesti.Response): string[]?)|nil
local CachingSender = ExtendingSender:extend("CachingSender", require "viesti.cache.options")

-- The options that the core's rules go by.
local POLICY = { "shared", "store_errors", "heuristic", "targeted", "stale_if_error",
  "stale_on_disconnect", "stale_while_revalidate", "methods", "select_language",
  "set_cookie" }

-- The kinds of error for which a stale response may stand in: the origin did not answer.
local UNANSWERED = { resolve = true, connect = true, timeout = true, reset = true,
  empty_reply = true, truncated = true, protocol = true, circuit_open = true, rate_limited = true,
  deadline = true }

local TOO_MANY_REQUESTS = 429

-- What depends on the inner sender: what it adds to requests, and who waits for whom.
local function open_cache(self)
  local policy = {}
  for _, name in ipairs(POLICY) do
    policy[name] = self[name]
  end
  local sender = self.sender
  while sender.sender do
    policy.authorizes = policy.authorizes or class.is(sender, AuthenticatingSender)
    sender = sender.sender
  end
  policy.records = self.records
  policy.session = type(sender.session) == "userdata" and sender.session or nil
  self.cache = core.cache(self.near or nil, policy, self.far ~= false)
  self.refreshing, self.behind = {}, false
  self.collapsing = self.collapse and collapsing(self.sender)
end

-- Whether streamed bodies are stored while they are read. What is near is in memory; and functions
-- of the user's may want to see the body first.
local function can_record(self)
  return self.far and not self.near and self.far.keeps_bodies
    and type(self.ttl) ~= "function" and type(self.tags) ~= "function" and not self.store_if
end

function CachingSender:init()
  CachingSender.super.init(self)
  setup.check_methods(self.methods)
  setup.check_targeted(self.targeted)
  local bounds
  self.store, bounds = setup.open_store(self)
  -- What is not there is false rather than nil, which would be looked for in all the classes above
  -- for each request.
  self.near = option_types.is_memory_store(self.store) and self.store or self.store.near or false
  self.far = self.near ~= self.store and guarded_store(self.store.far or self.store, bounds)
  self.leases = self.far and lease(self.far) or false
  self.keys = CacheKey(self) or false
  self.chosen = (self.keys or self.far) ~= false
  self.chooses = self.ttl or self.store_if or self.tags or false
  self.records = can_record(self)
  open_cache(self)
end

function CachingSender:with_sender(sender)
  local copy = CachingSender.super.with_sender(self, sender)
  open_cache(copy)
  return copy
end

local SAFE = { GET = true, HEAD = true, OPTIONS = true, TRACE = true } -- RFC 9110 9.2.1

-- The core invalidates what Location and Content-Location name under their URLs (RFC 9111 4.4);
-- here that is done under what the user's key makes of those.
local function invalidate_named(self, request, answer)
  if not self.keys or SAFE[request.method] or answer.status_code >= 400 then
    return
  end
  for _, name in ipairs { "Location", "Content-Location" } do
    local value = answer.headers[name]
    local url = value and core.resolve_url(request.url, value)
    if url and origin_of(url) == origin_of(request.url) then
      self:delete { url = url, headers = request.headers }
    end
  end
end

local look_up

-- The key and the partition of a request, each nil for the usual.
local function key_of(self, request)
  if self.keys then
    return self.keys:of(request)
  end
end

-- What was to be put turned out to be gone.
local function forget_put(lines)
  for _, line in ipairs(lines) do
    if line.kind == "put" then
      line.kind = "remove"
    end
  end
end

-- What update has made of the answer, `lines` to be done in the store elsewhere among it. Returns
-- the response as the caller gets it.
local function settle_elsewhere(self, request, response, lines, generation, streamed)
  local given = elsewhere.fill(self, request, response)
  if lines and response and not given then
    forget_put(lines)
  end
  if lines and given and streamed then
    given = bodies.record(self.far, given, lines, generation)
  end
  if lines and not self.far:apply(lines, generation) and given then
    given:not_stored()
  end
  return given
end

-- Sends what the verdict asks for, and makes the best of the answer.
local function fetch(self, request, outgoing, verdict, generation)
  local answer, err = self.sender:send(outgoing)
  local status, streamed, annotated = core.outcome(answer)
  if not status then
    answer, err = self:check_answer(request, answer, err)
  end
  if not answer then
    local stale = UNANSWERED[err.kind]
      and elsewhere.fill(self, request, self.cache:rescue(verdict, request))
    if stale then
      return stale
    end
    return nil, err
  end
  local chosen = (annotated or self.chooses or request.ttl)
    and choices(self, request, answer, verdict) or nil
  local response, lines = self.cache:update(verdict, request, answer, nil, chosen)
  if self.far then
    response = settle_elsewhere(self, request, response, lines, generation, streamed)
  end
  invalidate_named(self, request, answer)
  if streamed and (not response or response.from_cache) then
    answer:close() -- it would hold its connection until it is collected
  end
  if response then
    return response, nil, lines ~= nil
  end
  return self.sender:send(request)
end

-- What is to be sent so that others are told by the head of the answer whether it may be for them,
-- too. A failure may be followed by another try further inside, and what functions of the user's
-- will make of an answer nobody knows: there they wait for its end.
local function with_head_told(self, request, outgoing, tell_head)
  if not tell_head or self.chooses or request.ttl then
    return outgoing
  end
  return core.request_with_head(outgoing, function(head)
    if head.status_code ~= TOO_MANY_REQUESTS and head.status_code < 500 then
      tell_head(function(other)
        return self.cache:serves(request, head, other)
      end)
    end
  end)
end

-- Likewise, unless another machine is about to put it into the store that both have.
local function fetch_leased(self, request, outgoing, verdict, generation, tell_head)
  local key = self.leases and verdict:collapses(request) and verdict:key(request)
  local function ask()
    return fetch(self, request, with_head_told(self, request, outgoing, tell_head), verdict,
      generation)
  end
  if not key then
    return ask()
  end
  return self.leases:run(key, ask, function()
    local response
    response, outgoing, verdict, generation = look_up(self, request)
    return response
  end, function(seconds) self.sender:sleep(seconds) end)
end

-- What works behind the caller's back in a chain that blocks, where it may.
local function background_of(self)
  if self.background and not self.behind then
    self.behind = background(self, function(name) self.refreshing[name] = nil end) or false
  end
  return self.behind
end

-- Whether nothing of Lua's has a say in what is kept of the answer to what is stale.
local function is_for_core_alone(self, request)
  return not self.chooses and not request.ttl and not self.far
    and (not self.keys or SAFE[request.method])
end

-- Whether somebody asks behind the caller's back from now on.
local function start_refresh(self, name, request, outgoing, verdict, generation)
  local behind = background_of(self)
  if behind and is_for_core_alone(self, request) and behind:ask(request, outgoing, verdict) then
    return true
  end
  local ended = setmetatable({}, { __close = function() self.refreshing[name] = nil end })
  local function work(by)
    local _ <close> = ended
    local response = fetch(by, request, outgoing, verdict, generation)
    if response and response.streamed then
      bodies.drain(response) -- nobody else will read it
    end
  end
  return (behind and behind:start(work) or self.sender:spawn(function() work(self) end)) ~= nil
end

-- Asks behind the caller's back; who comes meanwhile for the same variant is served what is there,
-- too. False where nobody can.
local function refresh(self, request, outgoing, verdict, generation)
  local name = verdict:name(request)
  if not self.refreshing[name] then
    self.refreshing[name] = true
    if not start_refresh(self, name, request, outgoing, verdict, generation) then
      self.refreshing[name] = nil
      return false
    end
  end
  return true
end

local MOST_WAITS = 2 -- for others whose requests fail, before one tries by oneself

-- Waits for another's answer to the same, or asks for all. Returns first whether it was another's.
local function forward(self, request, outgoing, verdict, generation)
  local shared = self.collapsing
  local key = shared and core.current() and verdict:collapses(request) and verdict:key(request)
  local response, outcome
  for _ = 1, MOST_WAITS do
    if not key or not shared:may_share(key) then
      break
    elseif not shared:is_under_way(key) then
      return false, shared:lead(key, function(tell_head)
        return fetch_leased(self, request, outgoing, verdict, generation, tell_head)
      end)
    end
    outcome = shared:follow(key, request)
    if outcome == "apart" then
      break
    end
    response, outgoing, verdict, generation = look_up(self, request)
    if response then
      return true, response
    elseif outcome == "answered" then
      shared:keep_apart(key)
    end
  end
  if key and shared:is_under_way(key) then -- what it waits for may be waiting for this one
    return false, fetch(self, request, outgoing, verdict, generation)
  end
  return false, fetch_leased(self, request, outgoing, verdict, generation)
end

local function shown(self, request, response, collapsed)
  if response and self.far and request.stream then
    response = bodies.open(self.far, response, request)
  end
  if response and (collapsed or self.cache_status) then
    return response:with_cache_status(collapsed, self.cache_status)
  end
  return response
end

-- Looks the request up in the store. Returns the response if it is there and may be used, or nil;
-- and, if something is to be sent, that and what is to be done with the answer.
function look_up(self, request)
  local key, partition = key_of(self, request)
  local response, outgoing, verdict
  if self.near then
    response, outgoing, verdict = self.cache:lookup(request, nil, key, partition)
  end
  if self.far and not (response and response.from_cache) then
    return elsewhere.look_up(self, request, key, partition)
  end
  return response, outgoing, verdict
end

function CachingSender:send(request)
  request = request or Request.from(request) -- which says what is missing
  if self.behind then
    self.behind:go_on()
  end
  local response, outgoing, verdict, generation, made
  if not self.chosen then
    response, outgoing, verdict, made = self.cache:lookup(request)
    if response and not verdict and not self.cache_status then
      return response -- the hot path: neither keys nor a Request were made
    end
  end
  request = made or Request.from(request)
  if not verdict and not response then
    response, outgoing, verdict, generation = look_up(self, request)
  end
  if response and not (verdict and not refresh(self, request, outgoing, verdict, generation)) then
    return shown(self, request, response, false)
  end
  local collapsed, answer, err = forward(self, request, outgoing, verdict, generation)
  return shown(self, request, answer, collapsed), err
end

-- What a user names by a request, or by its URL alone.
local function request_of(given, what)
  return Request.from(type(given) == "string" and { url = given } or given, what)
end

--- What `send` would do with the request, and why: a table with `action` ("hit", "refresh",
--- "validate", "fetch", "complete", "bypass" or "timeout"), `forwarded` (why it would be sent on),
--- `key`, `variants` (how many responses are kept under it), and of the one that fits `age` and
--- `ttl` (seconds) and `status_code`.
---@param request viesti.Request|viesti.Request.Options|string a string is a URL
---@return viesti.Inspection
function CachingSender:inspect(request)
  request = request_of(request, "inspect")
  local key, partition = key_of(self, request)
  if self.far then
    elsewhere.load(self, request, key, partition, true)
  end
  return self.cache:inspect(request, nil, key, partition)
end

--- Forgets what is kept for a request, all variants of it: for a URL under the key and in the
--- partition that this cache would ask for it by.
---@param request viesti.Request|viesti.Request.Options|string a string is a URL
---@return true? done, string? reason nil and why not, where the store could not
function CachingSender:delete(request)
  request = request_of(request, "delete")
  local key, partition = key_of(self, request)
  local name = self.cache:key(request, key, partition)
  local done, reason = true, nil
  if name and self.far then
    done, reason = self.far:invalidate(name)
  end
  if name and self.near then
    self.near:remove(name)
  end
  return done, reason
end

--- Ends what is under way in the background, and closes the inner sender.
function CachingSender:close()
  if self.behind then
    self.behind:finish()
  end
  return CachingSender.super.close(self)
end

--- Forgets every stored response, where the store has a method for that.
---@return true? done, string? reason nil and why not, where it could not
function CachingSender:clear()
  if not self.store.clear then
    error(("%sCachingSender: clear: the store, %s, has no such method"):format(core.place(),
      format.value(self.store)), 0)
  end
  return purging.outcome(self.store:clear())
end

return CachingSender
