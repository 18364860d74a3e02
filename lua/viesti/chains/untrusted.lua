--- Chains that nobody vouches for: the file runs in a state that is thrown away, where its words do
--- nothing but remember how they were called; what it returns is built from that here.
local core = require "viesti.core"

local untrusted = {}

-- What names no file of the machine, and no place for one.
local WORDS = {
  "AsyncSender", "AuthenticatingSender", "CachingSender", "CircuitBreaker",
  "CircuitBreakingSender", "Client", "ConcurrencyLimit", "ConcurrencyLimitingSender", "Cooldown",
  "DeadlineSender", "DefaultsSender", "FailoverSender", "HedgingSender", "RateLimit",
  "RateLimitingSender", "RedirectingSender", "RetryBudget", "RetryingSender", "Session", "Store",
  "SyncSender", "chain", "policies.accepted", "policies.first_of", "policies.never",
  "policies.on_statuses", "policies.too_early", "policies.unsent", "standard", "tiered",
}

--- The names of the library's that such a file has, as a set.
untrusted.names = {}
for _, word in ipairs(WORDS) do
  untrusted.names[word:match "^%w+"] = true
end

-- Options of a session by which a chain reaches beyond HTTP: files, sockets, whatever libcurl can.
local REACHING = { "ca", "client_cert", "client_key", "curl", "interface", "proxy", "resolve",
  "unix_socket", "verify" }

local HAS_SESSION = { AsyncSender = true, Session = true, SyncSender = true, standard = true }

local SCALAR = { string = true, number = true, boolean = true }

-- The words and the data that the file has: all but strings, numbers and booleans of the host's is
-- for handing on, or calling, alone.
local function names_of(additions)
  local words, data = table.move(WORDS, 1, #WORDS, 1, {}), {}
  for name, value in pairs(additions or {}) do
    if SCALAR[type(value)] then
      data[name] = value
    else
      words[#words + 1] = name
    end
  end
  return words, data
end

-- Where Lua has what such a file lacks.
local LIBRARIES = { "string", "table", "math" }

--- What to say of a field that such a file has called, and that is nil; nil: nothing helps.
---@param name string
---@return string?
function untrusted.hint(name)
  for _, library in ipairs(LIBRARIES) do
    if type(_G[library][name]) == "function" and not core.untrusted_has(library, name) then
      return ("an untrusted chain has no %s.%s"):format(library, name)
    end
  end
end

local function meaning(env, word)
  local value = env
  for name in word:gmatch "[^.]+" do
    value = value[name]
  end
  return value
end

local function reaching(given)
  for _, name in ipairs(REACHING) do
    if type(given) == "table" and rawget(given, name) ~= nil then
      return name
    end
  end
end

-- Why a session may not be made so; nil if it may.
local function too_far(word, count, given)
  if not HAS_SESSION[word] then
    return nil
  elseif count > 1 or SCALAR[type(given)] then
    return ("%s: an untrusted chain gives its options by name, in a table"):format(word)
  end
  local name = reaching(given)
    or type(given) == "table" and reaching(rawget(given, "session")) or nil
  return name and ("%s: %s is not for untrusted chains to set"):format(word, name)
end

local build

-- Functions stand among the options of a call: deeper they would make a table look like an object.
local function built_table(run, value, depth)
  local built = {}
  for key, item in pairs(value) do
    local made = build(run, item, depth - 1)
    if type(made) == "function" and depth < 1 then
      error("a function stands where an untrusted chain may have data only", 0)
    end
    built[build(run, key, depth - 1)] = made
  end
  return built
end

-- The line that calls `load` is not to blame.
local function without_place(message)
  local place = core.place()
  return message:sub(1, #place) == place and message:sub(#place + 1) or message
end

local function called(run, call)
  local arguments, depth = {}, call.word == "standard" and 2 or 1
  for position = 1, call.count do
    arguments[position] = build(run, call.arguments[position], depth)
  end
  local wrong = too_far(call.word, call.count, arguments[1])
  local ok, result = not wrong, wrong
  if ok then
    ok, result = pcall(meaning(run.env, call.word), table.unpack(arguments, 1, call.count))
  end
  if not ok then
    error(("%s:%d: %s"):format(run.name, call.line, without_place(tostring(result))), 0)
  end
  return result
end

-- Of the same call always the same object.
function build(run, value, depth)
  if type(value) ~= "table" then
    return value
  elseif getmetatable(value) ~= core.UntrustedCall then
    return built_table(run, value, depth)
  elseif not value.line then
    return meaning(run.env, value.word)
  end
  local built = run.built[value]
  if built == nil then
    built = called(run, value)
    run.built[value] = built
  end
  return built
end

-- A slip in the name of a policy, `policies.unsend`, is an error in all chain files.
local function note_missing(edition, env, name, place)
  if name:find "^policies%." then
    local there, wrong = pcall(meaning, env, name)
    if not there then
      error(place .. without_place(tostring(wrong)), 0)
    end
  end
  edition:note_missing(name, place)
end

--- How many values the text returns, and the first, built by the names of `env`; raises a sentence.
---@param text string
---@param name string
---@param env table<string, any> what the names of the text mean
---@param additions? table<string, any> those of them that are the host's own
---@param edition viesti.Edition notes names that mean nothing
---@return integer count, any value
function untrusted.run(text, name, env, additions, edition)
  local words, data = names_of(additions)
  local described, missing, count = core.run_untrusted(text, name, words, data)
  for position = 1, #missing, 2 do
    note_missing(edition, env, missing[position],
      ("%s:%d: "):format(name:sub(2), missing[position + 1]))
  end
  return count, build({ env = env, name = name:sub(2), built = {} }, described, 0)
end

return untrusted
