-- The ways in which requests are sent, each by a process of its own: what it is called, its part of
-- all requests, and the words of the command. `context`: build, lua, origins; after how many
-- requests there is a report (`every`); and the most `entries` of the store.

local cases = require "soak.cases"

local AT_ONCE = 64

local function client(context, requests, at_once)
  local origins = context.origins
  return { context.lua, "soak/client.lua", "--requests", requests, "--every", context.every,
    "--entries", context.entries, "--at-once", at_once, "--port", origins.port, "--secure",
    origins.secure, "--ca", origins.ca }
end

local function write_script(path, origins)
  local file <close> = assert(io.open(path, "w"))
  for _, case in ipairs(cases.cycle(cases.ways.from_c)) do
    file:write(("%s %s %d %d %d %d %s\n"):format(case.method, cases.base(case, origins),
      case.distinct or 0, case.variants or 0, (case.timeout or 0) * 1000 // 1 | 0,
      case.act == "cancel" and 1 or 0, case.label))
  end
end

-- The chain file with what a Lua program would hand to it.
local function chain_text(origins)
  local file <close> = assert(io.open "soak/chain.lua")
  return ("local asynchronous, on_event, port, ca = true, false, %d, %q\n"):format(origins.port,
    origins.ca) .. file:read "a"
end

return {
  { name = "one after the other", part = 0.2, command = function(context, requests)
    return client(context, requests, 0)
  end },
  { name = AT_ONCE .. " tasks at once", part = 0.5, command = function(context, requests)
    return client(context, requests, AT_ONCE)
  end },
  { name = AT_ONCE .. " at once from C", part = 0.3, command = function(context, requests)
    local script = context.origins.faulty.directory .. "/script"
    write_script(script, context.origins)
    return { context.build .. "/soak/host", "--requests", requests, "--every", context.every,
      "--entries", context.entries, "--at-once", AT_ONCE, chain_text(context.origins), script }
  end },
}
