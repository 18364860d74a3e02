-- A chain file. Untrusted it comes to a chain or to a sentence within bounded time and memory, and
-- so does each reading after the first; a chain prints itself, and is read again from that. Trusted
-- it may do what Lua may, but not for ever here.
--
-- The input: the file.

local load_chain = require "viesti.chains.load"
local promise = require "spec.fuzz.promise"
local warnings = require "viesti.base.warnings"

local NAME = "=the chain"

-- What waits, writes a file or goes over the network is not for a text that nobody wrote.
local NOTHING = {}
for _, name in ipairs { "run", "spawn", "sleep", "map", "har", "sqlite", "redis", "RedisLimit",
  "RecordingSender", "download", "Loop" } do
  NOTHING[name] = false
end

warnings.ChainFileWarning:set(promise.sentence)

local function check(text, env, choices)
  local chain, reason = load_chain(text, env, choices)
  if not chain then
    promise.sentence((reason:gsub("\n", " "))) -- the text's own words may have more lines
    return
  end
  assert(type(chain:describe()) == "table" and type(tostring(chain)) == "string", "no chain")
  local done, wrong = chain:reload()
  assert(done or type(wrong) == "string")
  chain:close()
  return chain
end

return function(text)
  text = "\n" .. text -- so that it is never taken for a path
  check(text, nil, { trusted = false, name = NAME })
  if not text:find "send" then
    check(text, NOTHING, { name = NAME })
  end
end
